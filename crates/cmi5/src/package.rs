use crate::archive::{Archive, Entry, Reader};
use crate::{CourseStructure, Error};

/// Where a package keeps its course structure (14.0).
pub const STRUCTURE_PATH: &str = "cmi5.xml";
/// Largest package that is imported, in bytes of the zip.
pub const PACKAGE_BYTES_MAX: usize = 64 << 20;
/// Largest course structure document, in bytes.
pub const STRUCTURE_BYTES_MAX: u64 = 8 << 20;

/// A course package that may be imported: a zip (14.1), or a course structure alone (14.2).
pub struct Package<B> {
    /// None: there are no files, all units are elsewhere.
    archive: Option<Archive<B>>,
    structure: CourseStructure,
}

impl<B: AsRef<[u8]> + Clone> Package<B> {
    /// Opens a package: checks the archive's entries, reads its course structure, and finds the
    /// file of every unit. No other file is unpacked yet, so a damaged one shows only when it is
    /// read.
    pub fn open(bytes: B) -> Result<Self, Error> {
        if is_xml(bytes.as_ref()) {
            check_size(bytes.as_ref().len() as u64)?;
            let structure = CourseStructure::parse(&decode(bytes.as_ref())?)?;
            structure.check_absolute()?;
            return Ok(Self { archive: None, structure });
        }
        let mut archive = Archive::open(bytes)?;
        let structure = CourseStructure::parse(&structure_text(&mut archive)?)?;
        structure.check_urls(|path| archive.position(path).is_some())?;
        Ok(Self { archive: Some(archive), structure })
    }

    /// The course.
    pub fn structure(&self) -> &CourseStructure {
        &self.structure
    }

    /// The files, `cmi5.xml` included, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        self.archive.as_ref().map_or(&[], Archive::entries)
    }

    /// Starts unpacking the file at a position of [`Package::entries`].
    pub fn reader(&mut self, position: usize) -> Result<Reader<'_, B>, Error> {
        match &mut self.archive {
            Some(archive) => archive.reader(position),
            None => Err(Error::Archive("there is none".into())),
        }
    }
}

fn structure_text<B: AsRef<[u8]> + Clone>(archive: &mut Archive<B>) -> Result<String, Error> {
    let missing = || Error::file(STRUCTURE_PATH, "is missing from the root of the archive");
    let position = archive.position(STRUCTURE_PATH).ok_or_else(missing)?;
    let size = archive.entries().get(position).map_or(0, |entry| entry.size);
    check_size(size)?;
    decode(&archive.reader(position)?.next(size.try_into().unwrap_or(usize::MAX))?)
}

fn check_size(bytes: u64) -> Result<(), Error> {
    if bytes <= STRUCTURE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::file(STRUCTURE_PATH, format!("has more than {STRUCTURE_BYTES_MAX} bytes")))
}

/// How a document may begin: with a byte order mark, or with `<` in the bytes of an encoding
/// (XML 1.0, F.1).
fn is_xml(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 6] = [b"<", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<"];
    let text = bytes.trim_ascii_start();
    starts.iter().any(|start| text.starts_with(start))
}

/// The text of a document in UTF-8 or UTF-16, which every reader of XML knows (XML 1.0, 4.3.3).
fn decode(bytes: &[u8]) -> Result<String, Error> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf_16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf_16(bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    };
    text.ok_or_else(|| Error::Xml("it is neither UTF-8 nor UTF-16".into()))
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text = char::decode_utf16(units).collect::<Result<_, _>>();
    text.ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
