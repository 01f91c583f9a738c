//! Packages as one imports them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Cursor, Write};

use hedgeschool_cmi5::Cmi5;
use hedgeschool_package::{Error, Package};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const COURSE: &str = r#"<courseStructure
 xmlns="https://w3id.org/xapi/profiles/cmi5/v1/CourseStructure.xsd">
 <course id="https://example.org/c"><title><langstring>C</langstring></title>
 <description><langstring>D</langstring></description></course>
 <au id="https://example.org/u"><title><langstring>U</langstring></title>
 <description><langstring>D</langstring></description><url>unit/a.html</url></au>
</courseStructure>"#;

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(data.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn open<B: AsRef<[u8]> + Clone>(bytes: B) -> Result<Package<B>, Error> {
    Package::open(bytes, "", &[&Cmi5])
}

fn refusal(files: &[(&str, &str)]) -> String {
    open(zip(files)).err().unwrap().to_string()
}

#[test]
fn a_package_is_its_course_and_its_files() {
    let bytes = zip(&[("unit/a.html", "<p>hello"), ("cmi5.xml", COURSE)]);
    let package = open(bytes.as_slice()).unwrap();
    assert_eq!(package.course().units.len(), 1);
    assert_eq!(package.entries().len(), 2);
    assert_eq!(package.open_file(0).unwrap().next_piece(100).unwrap(), b"<p>hello");
    assert!(package.open_file(2).is_err());
}

#[test]
fn a_package_needs_its_structure_and_its_units() {
    assert!(refusal(&[("a/other.xml", COURSE)]).contains("none of these files: cmi5.xml"));
    assert!(refusal(&[("cmi5.xml", COURSE)]).contains(r#""unit/a.html", which is no file"#));
    assert!(refusal(&[("cmi5.xml", "<x/>")]).contains("courseStructure"));
}

#[test]
fn a_package_may_have_a_folder_around_it() {
    let bytes = zip(&[("x/y/cmi5.xml", COURSE), ("x/y/unit/a.html", "<p>"), ("x/read.me", "-")]);
    let package = open(bytes.as_slice()).unwrap();
    let paths: Vec<_> = package.entries().iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["cmi5.xml", "unit/a.html"]);
    assert_eq!(package.open_file(1).unwrap().next_piece(9).unwrap(), b"<p>");
    let two = [("a/cmi5.xml", COURSE), ("b/cmi5.xml", COURSE)];
    assert!(refusal(&two).contains("\"b\" is another"));
}

#[test]
fn a_structure_alone_has_its_units_elsewhere() {
    let there = COURSE.replace("unit/a.html", "https://example.org/a.html");
    let package = open(there.as_bytes()).unwrap();
    assert_eq!((package.course().units.len(), package.entries().len()), (1, 0));
    for url in ["unit/a.html", "/a.html", "?https://example.org"] {
        let error = open(COURSE.replace("unit/a.html", url).as_bytes()).err().unwrap();
        assert!(error.to_string().contains("which is relative"), "{error}");
    }
}
