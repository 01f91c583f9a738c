use crate::archive::{Archive, Entry, Reader};
use crate::{CourseStructure, Error};

/// Where a package keeps its course structure (14.0).
pub const STRUCTURE_PATH: &str = "cmi5.xml";
/// Largest package that is imported, in bytes of the zip.
pub const PACKAGE_BYTES_MAX: usize = 64 << 20;
/// Largest course structure document, in bytes.
pub const STRUCTURE_BYTES_MAX: u64 = 8 << 20;

/// A course package in zip format (14.1) that may be imported.
pub struct Package<B> {
    archive: Archive<B>,
    structure: CourseStructure,
}

impl<B: AsRef<[u8]> + Clone> Package<B> {
    /// Opens a package: checks the archive's entries, reads its course structure, and finds the
    /// file of every unit. No other file is unpacked yet, so a damaged one shows only when it is
    /// read.
    pub fn open(bytes: B) -> Result<Self, Error> {
        let mut archive = Archive::open(bytes)?;
        let structure = CourseStructure::parse(&structure_text(&mut archive)?)?;
        structure.check_urls(|path| archive.position(path).is_some())?;
        Ok(Self { archive, structure })
    }

    /// The course.
    pub fn structure(&self) -> &CourseStructure {
        &self.structure
    }

    /// The files, `cmi5.xml` included, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        self.archive.entries()
    }

    /// Starts unpacking the file at a position of [`Package::entries`].
    pub fn reader(&mut self, position: usize) -> Result<Reader<'_, B>, Error> {
        self.archive.reader(position)
    }
}

fn structure_text<B: AsRef<[u8]> + Clone>(archive: &mut Archive<B>) -> Result<String, Error> {
    let missing = || Error::file(STRUCTURE_PATH, "is missing from the root of the archive");
    let position = archive.position(STRUCTURE_PATH).ok_or_else(missing)?;
    let size = archive.entries().get(position).map_or(0, |entry| entry.size);
    if size > STRUCTURE_BYTES_MAX {
        let rule = format!("has more than {STRUCTURE_BYTES_MAX} bytes");
        return Err(Error::file(STRUCTURE_PATH, rule));
    }
    let bytes = archive.reader(position)?.next(size.try_into().unwrap_or(usize::MAX))?;
    String::from_utf8(bytes).map_err(|_| Error::Xml("it is not UTF-8".into()))
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
