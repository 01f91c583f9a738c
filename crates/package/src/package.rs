use crate::archive::{self, Archive, Entry};
use crate::document::{decode, is_xml};
use crate::format::{Folder, Format};
use crate::{Course, Error};

/// Largest package that is imported, in bytes of the zip.
pub const PACKAGE_BYTES_MAX: usize = 64 << 20;
/// Largest manifest, or other file that a format reads, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 8 << 20;
/// How a zip begins (APPNOTE 4.3.7), also an empty one.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// A course package that may be imported: a zip, a document, or a manifest alone.
pub struct Package<B> {
    files: Files<B>,
    course: Course,
}

/// What a package consists of.
enum Files<B> {
    /// Nothing: all units are elsewhere.
    None,
    Archive(Archive<B>),
    /// What was sent is the file.
    Alone(B, [Entry; 1]),
}

impl<B: AsRef<[u8]> + Clone> Package<B> {
    /// Opens a package of one of these formats: the surest and, of those, the first whose manifest
    /// is there, in the folder that is nearest to the root. `name` is the file as its sender calls
    /// it; empty if that is not known. Checks the archive's entries, reads its manifest, and finds
    /// the file of every unit. No other file is unpacked yet, so a damaged one shows only when it
    /// is read.
    ///
    /// # Errors
    /// For what breaks a rule of archives or of the format.
    pub fn open(bytes: B, name: &str, formats: &[&dyn Format]) -> Result<Self, Error> {
        let start = bytes.as_ref();
        if ZIP.iter().any(|zip| start.starts_with(zip)) {
            return Self::open_archive(bytes, name, formats);
        }
        if let Some(format) = formats.iter().find(|format| !format.roots(&[name]).is_empty()) {
            format.check_alone(name, start)?;
            let course = format.read(&Folder::new(name, vec![name]))?;
            let entry = Entry::alone(name, start.len() as u64);
            return Ok(Self { files: Files::Alone(bytes, [entry]), course });
        }
        if is_xml(start) {
            return Ok(Self { course: alone(start, formats)?, files: Files::None });
        }
        Self::open_archive(bytes, name, formats)
    }

    fn open_archive(bytes: B, name: &str, formats: &[&dyn Format]) -> Result<Self, Error> {
        let mut archive = Archive::open(bytes)?;
        let (format, root) = find(archive.entries(), formats)?;
        if !root.is_empty() {
            archive.enter(&root);
        }
        let entries = archive.entries().to_vec();
        let paths = entries.iter().map(|entry| entry.path.as_str()).collect();
        let mut folder = Folder::new(name, paths);
        if let Some(manifest) = format.manifest() {
            folder = folder.with(manifest, text(&mut archive, manifest)?);
        }
        for path in format.wants(&folder)? {
            folder = folder.with(&path, text(&mut archive, &path)?);
        }
        let course = format.read(&folder)?;
        Ok(Self { files: Files::Archive(archive), course })
    }

    /// The course.
    pub fn course(&self) -> &Course {
        &self.course
    }

    /// The files, the manifest included, in the archive's order.
    pub fn entries(&self) -> &[Entry] {
        match &self.files {
            Files::None => &[],
            Files::Archive(archive) => archive.entries(),
            Files::Alone(_, entry) => entry,
        }
    }

    /// Starts unpacking the file at a position of [`Package::entries`].
    ///
    /// # Errors
    /// When there is no such file, or it cannot be unpacked.
    pub fn reader(&mut self, position: usize) -> Result<Reader<'_, B>, Error> {
        match &mut self.files {
            Files::Archive(archive) => archive.reader(position).map(Reader::Packed),
            Files::Alone(bytes, _) if position == 0 => Ok(Reader::Plain(B::as_ref(bytes))),
            _ => Err(Error::Archive(format!("it has no file number {position}"))),
        }
    }
}

/// A file being read.
pub enum Reader<'a, B: AsRef<[u8]>> {
    /// One of an archive.
    Packed(archive::Reader<'a, B>),
    /// What is left of one that is not packed.
    Plain(&'a [u8]),
}

impl<B: AsRef<[u8]>> Reader<'_, B> {
    /// The next bytes: `length` of them, fewer at the end of the file, none after it. A wrong
    /// checksum or a size other than stated fails at the last piece.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn next(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        match self {
            Self::Packed(reader) => reader.next(length),
            Self::Plain(bytes) => {
                let (piece, rest) = bytes.split_at(length.min(bytes.len()));
                *bytes = rest;
                Ok(piece.to_vec())
            }
        }
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        match self {
            Self::Packed(reader) => reader.left(),
            Self::Plain(bytes) => bytes.len() as u64,
        }
    }
}

/// The format that the package is surely of and whose manifest is nearest to the root, and the
/// folder that has it, which is the package: tools and people put a folder around everything.
fn find<'a>(
    entries: &[Entry],
    formats: &[&'a dyn Format],
) -> Result<(&'a dyn Format, String), Error> {
    let paths: Vec<_> = entries.iter().map(|entry| entry.path.as_str()).collect();
    let mut found = Vec::new();
    for (rank, format) in formats.iter().enumerate() {
        for root in format.roots(&paths) {
            let depth = if root.is_empty() { 0 } else { root.matches('/').count() + 1 };
            found.push(((format.certainty(), depth), rank, root));
        }
    }
    found.sort_unstable();
    let known = || formats.iter().map(|format| format.known_by()).collect::<Vec<_>>().join(", ");
    let Some((place, rank, root)) = found.first() else { return Err(Error::Unknown(known())) };
    let beside = found.iter().find(|(other, _, folder)| other == place && folder != root);
    if let Some((_, _, folder)) = beside {
        let rule = format!("is a package, and {folder:?} is another: import one at a time");
        return Err(Error::file(root, rule));
    }
    let format = formats.get(*rank).ok_or_else(|| Error::Unknown(known()))?;
    Ok((*format, (*root).to_owned()))
}

fn alone(bytes: &[u8], formats: &[&dyn Format]) -> Result<Course, Error> {
    let first = formats.first().and_then(|format| format.manifest()).unwrap_or("manifest");
    check_size(first, bytes.len() as u64)?;
    let manifest = decoded(first, bytes)?;
    let mut read = formats.iter().filter_map(|format| format.read_alone(&manifest));
    read.next().unwrap_or_else(|| Err(Error::Archive("it is a document, and no archive".into())))
}

fn text<B: AsRef<[u8]> + Clone>(archive: &mut Archive<B>, path: &str) -> Result<String, Error> {
    let missing = || Error::file(path, "is missing");
    let position = archive.position(path).ok_or_else(missing)?;
    let size = archive.entries().get(position).map_or(0, |entry| entry.size);
    check_size(path, size)?;
    let bytes = archive.reader(position)?.next(size.try_into().unwrap_or(usize::MAX))?;
    decoded(path, &bytes)
}

fn decoded(path: &str, bytes: &[u8]) -> Result<String, Error> {
    decode(bytes).ok_or_else(|| Error::file(path, "is neither UTF-8 nor UTF-16"))
}

fn check_size(path: &str, bytes: u64) -> Result<(), Error> {
    if bytes <= MANIFEST_BYTES_MAX {
        return Ok(());
    }
    Err(Error::file(path, format!("has more than {MANIFEST_BYTES_MAX} bytes")))
}
