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

    /// Whether a package that has the file is surely of this format. One that may be anything else
    /// counts last.
    fn is_certain(&self) -> bool {
        true
    }

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
    /// Opens a package of one of these formats: the first whose manifest is there, in the folder
    /// that is nearest to the root. Checks the archive's entries, reads its manifest, and finds the
    /// file of every unit. No other file is
    /// unpacked yet, so a damaged one shows only when it is read.
    ///
    /// # Errors
    /// For what breaks a rule of archives or of the format.
    pub fn open(bytes: B, formats: &[&dyn Format]) -> Result<Self, Error> {
        if is_xml(bytes.as_ref()) {
            return Ok(Self { archive: None, course: alone(bytes.as_ref(), formats)? });
        }
        let mut archive = Archive::open(bytes)?;
        let (format, root) = find_manifest(archive.entries(), formats)?;
        if !root.is_empty() {
            archive.enter(&root);
        }
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

/// The format whose manifest is nearest to the root, and the folder that has it, which is the
/// package: tools and people put a folder around everything.
fn find_manifest<'a>(
    entries: &[Entry],
    formats: &[&'a dyn Format],
) -> Result<(&'a dyn Format, String), Error> {
    let mut found: Vec<((bool, usize), usize, &str)> = Vec::new();
    for (rank, format) in formats.iter().enumerate() {
        for entry in entries {
            let Some(root) = entry.path.strip_suffix(format.manifest()) else { continue };
            if root.is_empty() || root.ends_with('/') {
                let place = (!format.is_certain(), root.matches('/').count());
                found.push((place, rank, root.trim_end_matches('/')));
            }
        }
    }
    found.sort_unstable();
    let Some((place, rank, root)) = found.first() else {
        let manifests: Vec<_> = formats.iter().map(|format| format.manifest()).collect();
        return Err(Error::Unknown(manifests.join(", ")));
    };
    let beside = found.iter().find(|(other, _, folder)| other == place && folder != root);
    if let Some((_, _, folder)) = beside {
        let rule = format!("is a package, and {folder:?} is another: import one at a time");
        return Err(Error::file(root, rule));
    }
    let format = formats.get(*rank).ok_or_else(|| Error::Unknown(String::new()))?;
    Ok((*format, (*root).to_owned()))
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
