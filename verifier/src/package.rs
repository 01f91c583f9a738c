use std::path::Path;

use hedgeschool_formats::ALL;
use hedgeschool_package::{Course, PACKAGE_BYTES_MAX, Unit};

use crate::{Error, files};

/// How many bytes of a file are unpacked at once.
const PIECE_BYTES: usize = 256 << 10;

/// What a package holds that an import would take.
#[derive(Debug)]
pub struct Package {
    /// The course.
    pub course: Course,
    /// How many files there are, its manifest included.
    pub files: usize,
    /// Bytes of all of them, unpacked.
    pub bytes: u64,
}

impl Package {
    /// Reads a package and checks all of it: its entries, its manifest, and every file to its
    /// checksum.
    ///
    /// # Errors
    /// [`Error::Package`] and [`Error::TooLarge`] when an import would refuse it, [`Error::Io`]
    /// when it cannot be read.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = files::read(path, PACKAGE_BYTES_MAX)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut package = hedgeschool_package::Package::open(bytes.as_slice(), &name, ALL)?;
        let files = package.entries().len();
        for position in 0..files {
            let mut reader = package.reader(position)?;
            // An empty file has one piece too.
            while !reader.next(PIECE_BYTES)?.is_empty() && reader.left() > 0 {}
        }
        let bytes = package.entries().iter().map(|entry| entry.size).sum();
        Ok(Self { course: package.course().clone(), files, bytes })
    }

    /// What it holds, for people: the course, then a line for each unit. Texts are quoted, so that
    /// none of them looks like another line.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let Course { id, title, units, .. } = &self.course;
        let (files, bytes) = (self.files, self.bytes);
        let course = format!(
            "course {title:?} {id:?}: {} unit(s), {files} file(s), {bytes} bytes",
            units.len()
        );
        let unit =
            |Unit { id, title, url, .. }: &Unit| format!("  unit {title:?} {id:?} at {url:?}");
        [course].into_iter().chain(units.iter().map(unit))
    }
}
