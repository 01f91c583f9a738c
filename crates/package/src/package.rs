use crate::archive::{Archive, Entry, Reader};
use crate::document::{decode, is_xml};
use crate::{Course, Error};

/// Largest package that is imported, in bytes of the zip.
pub const PACKAGE_BYTES_MAX: usize = 64 << 20;
/// Largest manifest, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// A format of course packages.
pub trait Format: Sync {
    /// The file that describes the course, in the package's root folder.
    fn manifest(&self) -> &'static str;

    /// Reads it. `has_file` says whether the package has a file at a path from its root folder.
    ///
    /// # Errors
    /// For what breaks a rule of the format.
    fn read(&self, manifest: &str, has_file: &dyn Fn(&str) -> bool) -> Result<Course, Error>;

    /// Reads one that comes alone, without an archive. None: it is of another format.
    ///
    /// # Errors
    /// As [`Format::read`].
    fn read_alone(&self, manifest: &str) -> Option<Result<Course, Error>> {
        let _ = manifest;
        None
    }
}

/// A course package that may be imported: a zip, or a manifest alone.
pub struct Package<B> {
    /// None: there are no files, all units are elsewhere.
    archive: Option<Archive<B>>,
    course: Course,
}

impl<B: AsRef<[u8]> + Clone> Package<B> {
    /// Opens a package of one of these formats: the first whose manifest is there. Checks the
    /// archive's entries, reads its manifest, and finds the file of every unit. No other file is
    /// unpacked yet, so a damaged one shows only when it is read.
    ///
    /// # Errors
    /// For what breaks a rule of archives or of the format.
    pub fn open(bytes: B, formats: &[&dyn Format]) -> Result<Self, Error> {
        if is_xml(bytes.as_ref()) {
            return Ok(Self { archive: None, course: alone(bytes.as_ref(), formats)? });
        }
        let mut archive = Archive::open(bytes)?;
        let manifests = || formats.iter().map(|format| format.manifest());
        let unknown = || Error::Unknown(manifests().collect::<Vec<_>>().join(", "));
        let is_there = |format: &&&dyn Format| archive.position(format.manifest()).is_some();
        let format = formats.iter().find(is_there).ok_or_else(unknown)?;
        let manifest = text(&mut archive, format.manifest())?;
        let course = format.read(&manifest, &|path| archive.position(path).is_some())?;
        Ok(Self { archive: Some(archive), course })
    }

    /// The course.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// The files, the manifest included, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        self.archive.as_ref().map_or(&[], Archive::entries)
    }

    /// Starts unpacking the file at a position of [`Package::entries`].
    ///
    /// # Errors
    /// When there is no such file, or it cannot be unpacked.
    pub fn reader(&mut self, position: usize) -> Result<Reader<'_, B>, Error> {
        match &mut self.archive {
            Some(archive) => archive.reader(position),
            None => Err(Error::Archive("there is none".into())),
        }
    }
}

fn alone(bytes: &[u8], formats: &[&dyn Format]) -> Result<Course, Error> {
    let first = formats.first().map_or("manifest", |format| format.manifest());
    check_size(first, bytes.len() as u64)?;
    let manifest = decoded(first, bytes)?;
    let mut read = formats.iter().filter_map(|format| format.read_alone(&manifest));
    read.next().unwrap_or_else(|| Err(Error::Archive("it is a document, and no archive".into())))
}

fn text<B: AsRef<[u8]> + Clone>(
    archive: &mut Archive<B>,
    path: &'static str,
) -> Result<String, Error> {
    let missing = || Error::file(path, "is missing");
    let position = archive.position(path).ok_or_else(missing)?;
    let size = archive.entries().get(position).map_or(0, |entry| entry.size);
    check_size(path, size)?;
    let bytes = archive.reader(position)?.next(size.try_into().unwrap_or(usize::MAX))?;
    decoded(path, &bytes)
}

fn decoded(manifest: &'static str, bytes: &[u8]) -> Result<String, Error> {
    let reason = || "it is neither UTF-8 nor UTF-16".to_owned();
    decode(bytes).ok_or_else(|| Error::Manifest { manifest, reason: reason() })
}

fn check_size(path: &str, bytes: u64) -> Result<(), Error> {
    if bytes <= MANIFEST_BYTES_MAX {
        return Ok(());
    }
    Err(Error::file(path, format!("has more than {MANIFEST_BYTES_MAX} bytes")))
}
