//! cmi5 packages, made on the spot.

use std::io::{Cursor, Write};

use anyhow::Result;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

mod large;

pub use large::{Large, large, scattered};

/// Where a node takes courses.
pub const COURSES: &str = "/content/v1/courses";
/// The page of [`package`]'s only unit.
pub const PAGE: &str = "<!doctype html><title>Unit</title><h1>Over the hedge</h1>";

/// A course with one unit, as the zip archive that one uploads.
pub fn package(id: &str, title: &str) -> Result<Vec<u8>> {
    archive(&[("cmi5.xml", structure(id, title).as_bytes()), ("index.html", PAGE.as_bytes())])
}

/// A zip archive of these files.
pub fn archive(files: &[(&str, &[u8])]) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, data) in files {
        zip.start_file(*path, SimpleFileOptions::default())?;
        zip.write_all(data)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The course structure (cmi5, 13).
pub fn structure(id: &str, title: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<courseStructure xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
  <course id="{id}">
    <title><langstring lang="en">{title}</langstring></title>
    <description><langstring lang="en">A course for the tests</langstring></description>
  </course>
  <au id="{id}/unit" moveOn="Completed">
    <title><langstring lang="en">Unit</langstring></title>
    <description><langstring lang="en">The only one</langstring></description>
    <url>index.html</url>
  </au>
</courseStructure>
"#
    )
}
