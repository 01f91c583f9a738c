//! Reading a zip archive that someone may have built to do harm.
//!
//! Nothing here waits or holds an archive: [`Opening`] says which part of it is looked at next, and
//! [`Unpacking`] likewise for each file, so that the caller may load it from wherever it is. Every
//! entry is looked at before any is unpacked, and the archive refused as a whole: names that leave
//! it or collide, symbolic links and devices, encryption, files that overlap, sizes past the limits
//! below. Names may be in UTF-8 or, of old tools, in another [`Names`], and have backslashes.
//! Unpacking then trusts no size the archive states, and reports a wrong checksum. Archives inside
//! the archive are files like any other.

use std::ops::Range;

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::name::{Known, checked, decoded};
use crate::sparse::{BLOCK_BYTES, Sparse, View};
use crate::{Error, directory};

pub use crate::name::Names;
pub use crate::unpack::{Next, Unpacking};

/// Most entries an archive may have, directories included.
pub const FILES_MAX: usize = 20_000;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Most bytes all files may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 16 << 30;
/// How many times its packed size a file may unpack to, once it is larger than
/// [`RATIO_FREE_BYTES`], and all files together. Deflate reaches 1,032; text of real courses stays
/// below 30.
pub const RATIO_MAX: u64 = 200;
/// Files up to this size, in bytes, may have any ratio.
pub const RATIO_FREE_BYTES: u64 = 4 << 20;
/// Most bytes of an archive that are looked at to find its files, and held meanwhile: 20,000 files
/// with names of 700 bytes.
pub const OPENING_BYTES_MAX: u64 = 16 << 20;

/// Where macOS puts what it knows of each file beside it.
const LEFT_OUT: &str = "__MACOSX/";

/// Of a file whose bytes are not all there.
pub(crate) const CUT_OFF: &str = "is cut off: the archive ends before it does";

/// Bits of a Unix mode that say what kind of file it is, and the kinds that are files or
/// directories.
const KIND_MASK: u32 = 0o170_000;
const KINDS_ALLOWED: [u32; 3] = [0, 0o100_000, 0o040_000];

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path inside the archive: relative, `/`-separated, no `.` or `..` segment.
    pub path: String,
    /// Unpacked size in bytes, as the archive states it. [`Unpacking`] yields exactly that or
    /// fails.
    pub size: u64,
    pub(crate) place: Place,
}

/// Where a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// They are all that was sent.
    Alone,
    /// They are packed, after a local header.
    Packed { header: u64, bytes: u64, method: CompressionMethod, crc32: u32 },
}

impl Entry {
    /// A file that is all there is.
    pub(crate) fn alone(path: &str, size: u64) -> Self {
        Self { path: path.to_owned(), size, place: Place::Alone }
    }

    /// How many bytes of what was sent it takes.
    pub fn packed(&self) -> u64 {
        match self.place {
            Place::Alone => self.size,
            Place::Packed { bytes, .. } => bytes,
        }
    }
}

/// The files of a zip archive whose entries obey the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    entries: Vec<Entry>,
}

/// What there is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Load these bytes of what was sent.
    Load(Range<u64>),
    /// Nothing: here it is.
    Done(T),
}

/// An archive that is being opened.
pub struct Opening {
    sparse: Sparse,
    names: Names,
}

impl Opening {
    /// Begins with an archive of so many bytes.
    pub fn new(size: u64, names: Names) -> Self {
        Self::with_blocks(size, names, BLOCK_BYTES)
    }

    /// The same, loading so many bytes at a time.
    pub(crate) fn with_blocks(size: u64, names: Names, block_bytes: u64) -> Self {
        Self { sparse: Sparse::new(size, block_bytes), names }
    }

    /// Goes on with what is here.
    ///
    /// # Errors
    /// For what breaks a rule of archives.
    pub fn step(&self) -> Result<Step<Archive>, Error> {
        let mut view = self.sparse.view();
        let archive = self.read(&mut view);
        let Some(missing) = self.sparse.missing() else {
            if self.sparse.is_exhausted() {
                return Err(Error::Archive("the search for its files leads to no end".into()));
            }
            return archive.map(Step::Done);
        };
        if self.sparse.loaded() > OPENING_BYTES_MAX {
            return Err(Error::TooLarge(format!(
                "has its list of files not within {OPENING_BYTES_MAX} bytes, or is none"
            )));
        }
        Ok(Step::Load(missing))
    }

    /// Takes what [`Opening::step`] has asked for: all of it.
    ///
    /// # Errors
    /// When it claims what no archive may have.
    pub fn load(&mut self, start: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let around = self.sparse.load(start, bytes, directory::CLAIM_BYTES);
        directory::check_claims(&around, self.sparse.size())
    }

    fn read(&self, view: &mut View<'_>) -> Result<Archive, Error> {
        let mut zip = ZipArchive::new(view).map_err(unreadable)?;
        let names = directory::count(&mut self.sparse.view(), zip.central_directory_start())?;
        if names != zip.len() {
            return Err(Error::Archive("its central directory has no certain end".into()));
        }
        self.sparse.skip_headers();
        let entries = entries(&mut zip, self.names)?;
        check_whole(&entries, self.sparse.size())?;
        Ok(Archive { entries })
    }
}

impl Archive {
    /// The files, in the archive's order. Directories are left out.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Leaves out what is not in a folder, and has paths begin there.
    pub fn enter(&mut self, folder: &str) {
        let entries = std::mem::take(&mut self.entries).into_iter();
        let inside = entries.filter_map(|entry| {
            let path = entry.path.strip_prefix(folder)?.strip_prefix('/')?.to_owned();
            Some(Entry { path, ..entry })
        });
        self.entries = inside.collect();
    }

    /// The file at a path.
    pub fn find(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

fn entries(zip: &mut ZipArchive<&mut View<'_>>, names: Names) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(zip.len());
    let (mut unpacked, mut known) = (0_u64, Known::default());
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index).map_err(unreadable)?;
        let path = checked(&decoded(file.name_raw(), file.name(), names)?)?;
        check_kind(&path, &file)?;
        unpacked = unpacked.saturating_add(file.size());
        if unpacked > UNPACKED_BYTES_MAX {
            return Err(Error::TooLarge(format!(
                "unpacks to more than {UNPACKED_BYTES_MAX} bytes"
            )));
        }
        if path.ends_with('/') || path.starts_with(LEFT_OUT) {
            continue;
        }
        known.insert(&path)?;
        let place = Place::Packed {
            header: file.header_start(),
            bytes: file.compressed_size(),
            method: file.compression(),
            crc32: file.crc32(),
        };
        entries.push(Entry { path, size: file.size(), place });
    }
    Ok(entries)
}

fn check_kind(path: &str, file: &ZipFile<'_, &mut View<'_>>) -> Result<(), Error> {
    if file.encrypted() {
        return Err(Error::file(path, "is encrypted"));
    }
    let kind = file.unix_mode().unwrap_or(0) & KIND_MASK;
    if !KINDS_ALLOWED.contains(&kind) {
        return Err(Error::file(path, "is a link or a device, not a file"));
    }
    if is_bomb(file.size(), file.compressed_size()) {
        let rule = format!("unpacks to more than {RATIO_MAX} times its packed size");
        return Err(Error::file(path, rule));
    }
    Ok(())
}

/// Looks at all files together: bytes that are in several would unpack to more than anybody has
/// sent.
fn check_whole(entries: &[Entry], size: u64) -> Result<(), Error> {
    let mut places: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry.place {
            Place::Packed { header, bytes, .. } => Some((header, bytes, entry)),
            Place::Alone => None,
        })
        .collect();
    places.sort_unstable_by_key(|(header, ..)| *header);
    for ((header, bytes, entry), next) in places.iter().zip(places.iter().skip(1)) {
        if header.saturating_add(*bytes) > next.0 {
            let rule = format!("overlaps {:?}", next.2.path);
            return Err(Error::file(&entry.path, rule));
        }
    }
    if let Some((header, bytes, entry)) = places.last()
        && header.saturating_add(*bytes) > size
    {
        return Err(Error::file(&entry.path, CUT_OFF));
    }
    if is_bomb(entries.iter().map(|entry| entry.size).sum(), size) {
        return Err(Error::TooLarge(format!("unpacks to more than {RATIO_MAX} times its size")));
    }
    Ok(())
}

fn is_bomb(unpacked: u64, packed: u64) -> bool {
    unpacked > RATIO_FREE_BYTES && unpacked / packed.max(1) > RATIO_MAX
}

fn unreadable(error: ZipError) -> Error {
    Error::Archive(error.to_string())
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
