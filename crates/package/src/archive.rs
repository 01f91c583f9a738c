//! Reading a zip archive that someone may have built to do harm.
//!
//! Nothing here waits or holds an archive: [`ArchiveOpening`] says which part of it is looked at
//! next, and [`Unpacking`] likewise for each file, so that the caller may load it from wherever it
//! is. Every entry is looked at before any is unpacked, and the archive refused as a whole: names
//! that leave it or collide, symbolic links and devices, encryption, files that overlap, sizes past
//! the [`crate::limits`]. Names may be in UTF-8 or, of old tools, in another [`NameEncoding`], and
//! have backslashes. Unpacking then trusts no size the archive states, and reports a wrong
//! checksum.
//! Archives inside the archive are files like any other.

use std::ops::Range;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::directory;
use crate::entry::{CUT_OFF, HEADER_BYTES, Location};
use crate::error::{Cause, Error};
use crate::limits::{OPENING_BYTES_MAX, RATIO_FREE_BYTES, RATIO_MAX, UNPACKED_BYTES_MAX};
use crate::name::{KnownNames, check_name, decode_name};
use crate::sparse::{BLOCK_BYTES, SparseFile, View};

pub use crate::entry::Entry;
pub use crate::name::NameEncoding;
pub use crate::unpack::{Next, Unpacking};

/// Where macOS puts what it knows of each file beside it.
const LEFT_OUT: &str = "__MACOSX/";

/// Bits of a Unix mode that say what kind of file it is, and the kinds that are files or
/// directories.
const KIND_MASK: u32 = 0o170_000;
const KINDS_ALLOWED: [u32; 3] = [0, 0o100_000, 0o040_000];

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
pub struct ArchiveOpening {
    sparse: SparseFile,
    names: NameEncoding,
}

impl ArchiveOpening {
    /// Begins with an archive of so many bytes.
    pub fn new(size: u64, names: NameEncoding) -> Self {
        Self::with_blocks(size, names, BLOCK_BYTES)
    }

    /// The same, loading so many bytes at a time.
    pub(crate) fn with_blocks(size: u64, names: NameEncoding, block_bytes: u64) -> Self {
        Self { sparse: SparseFile::new(size, block_bytes), names }
    }

    /// Goes on with what is here.
    ///
    /// # Errors
    /// For what breaks a rule of archives.
    pub fn step(&self) -> Result<Step<Archive>, Error> {
        let mut view = self.sparse.new_view();
        let archive = self.read_listing(&mut view);
        let Some(missing) = self.sparse.missing_range() else {
            if self.sparse.is_exhausted() {
                return Err(Error::Archive("the search for its files leads to no end".into()));
            }
            return archive.map(Step::Done);
        };
        if self.sparse.loaded_bytes() > OPENING_BYTES_MAX {
            return Err(Error::TooLarge(format!(
                "has its list of files not within {OPENING_BYTES_MAX} bytes, or is none"
            )));
        }
        Ok(Step::Load(missing))
    }

    /// Takes what [`ArchiveOpening::step`] has asked for: all of it.
    ///
    /// # Errors
    /// When it claims what no archive may have.
    pub fn load(&mut self, start: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let around = self.sparse.load_block(start, bytes, directory::CLAIM_BYTES);
        directory::check_claims(&around, self.sparse.size())
    }

    fn read_listing(&self, view: &mut View<'_>) -> Result<Archive, Error> {
        let mut zip = ZipArchive::new(view).map_err(unreadable_zip)?;
        let names =
            directory::count_names(&mut self.sparse.new_view(), zip.central_directory_start())?;
        if names != zip.len() {
            return Err(Error::Archive("its central directory has no certain end".into()));
        }
        self.sparse.skip_headers();
        let end = zip.central_directory_start();
        let mut entries = read_entries(&mut zip, self.names)?;
        check_whole(&mut entries, end, self.sparse.size())?;
        Ok(Archive { entries })
    }
}

impl Archive {
    /// The files, in the archive's order. Directories are left out.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Leaves out what is not in a folder, and has paths begin there.
    pub fn enter_folder(&mut self, folder: &str) {
        let entries = std::mem::take(&mut self.entries).into_iter();
        let inside = entries.filter_map(|entry| {
            let path = entry.path.strip_prefix(folder)?.strip_prefix('/')?.to_owned();
            Some(Entry { path, ..entry })
        });
        self.entries = inside.collect();
    }

    /// The file at a path.
    pub fn find_entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

fn read_entries(
    zip: &mut ZipArchive<&mut View<'_>>,
    names: NameEncoding,
) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(zip.len());
    let (mut unpacked, mut known) = (0_u64, KnownNames::default());
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index).map_err(unreadable_zip)?;
        let path = check_name(&decode_name(file.name_raw(), file.name(), names)?)?;
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
        let location = Location::Packed {
            header: file.header_start(),
            bytes: file.compressed_size(),
            method: file.compression(),
            crc32: file.crc32(),
            limit: u64::MAX,
        };
        entries.push(Entry { path, size: file.size(), location });
    }
    Ok(entries)
}

fn check_kind(path: &str, file: &ZipFile<'_, &mut View<'_>>) -> Result<(), Error> {
    if file.encrypted() {
        return Err(Error::of_file(path, "is encrypted"));
    }
    let kind = file.unix_mode().unwrap_or(0) & KIND_MASK;
    if !KINDS_ALLOWED.contains(&kind) {
        return Err(Error::of_file(path, "is a link or a device, not a file"));
    }
    if is_bomb(file.size(), file.compressed_size()) {
        let rule = format!("unpacks to more than {RATIO_MAX} times its packed size");
        return Err(Error::of_file(path, rule));
    }
    Ok(())
}

/// Looks at all files together, and notes up to where each may be: bytes that are in several, or
/// small files that are bombs together, would unpack to more than anybody has sent. `end` is where
/// the archive's list of files begins, and `size` that of the archive.
fn check_whole(entries: &mut [Entry], end: u64, size: u64) -> Result<(), Error> {
    let mut headers: Vec<_> = entries
        .iter()
        .enumerate()
        .filter_map(|(position, entry)| Some((entry.header()?, position)))
        .collect();
    headers.sort_unstable();
    let next_headers = headers.iter().skip(1).map(Some).chain([None]);
    for ((header, position), next) in headers.iter().zip(next_headers) {
        let next_path = next.and_then(|(_, next)| entries.get(*next)).map(|next| next.path.clone());
        let Some(entry) = entries.get_mut(*position) else { continue };
        let bytes_end = header.saturating_add(entry.packed_bytes()).saturating_add(HEADER_BYTES);
        if let Some(((next, _), next_path)) = next.zip(next_path)
            && bytes_end > *next
        {
            return Err(Error::of_file(&entry.path, format!("overlaps {next_path:?}")));
        }
        if bytes_end > size {
            return Err(Error::of_file(&entry.path, CUT_OFF));
        }
        entry.set_limit(next.map_or(end, |(next, _)| *next));
    }
    check_ratio(entries, size)
}

/// Refuses files that unpack to too much together.
fn check_ratio(entries: &[Entry], size: u64) -> Result<(), Error> {
    let unpacked = entries.iter().map(|entry| entry.size).sum();
    let excess =
        |entry: &Entry| entry.size.saturating_sub(entry.packed_bytes().saturating_mul(RATIO_MAX));
    let excess: u64 = entries.iter().map(excess).sum();
    if is_bomb(unpacked, size) || excess > RATIO_FREE_BYTES {
        return Err(Error::TooLarge(format!("unpacks to more than {RATIO_MAX} times its size")));
    }
    Ok(())
}

fn is_bomb(unpacked: u64, packed: u64) -> bool {
    unpacked > RATIO_FREE_BYTES && unpacked / packed.max(1) > RATIO_MAX
}

fn unreadable_zip(error: ZipError) -> Error {
    Error::Zip(Cause::new(error))
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
