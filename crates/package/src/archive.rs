//! Reading a zip archive that someone may have built to do harm.
//!
//! [`Archive::open`] looks at every entry before any is unpacked and refuses the archive as a
//! whole: names that leave it or collide, symbolic links and devices, encryption, sizes past the
//! limits below. Names may be in UTF-8 or, of old tools, in CP437, and have backslashes. [`Reader`]
//! then trusts no size the archive states, and reports a wrong checksum. Archives inside the
//! archive are files like any other.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::name::{Names, checked, decoded};
use crate::{Error, directory};

/// Most entries an archive may have, directories included.
pub const FILES_MAX: usize = 20_000;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Most bytes all files may unpack to.
pub const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// How many times its packed size a file may unpack to, once it is larger than
/// [`RATIO_FREE_BYTES`]. Deflate reaches 1,032; text of real courses stays below 30.
pub const RATIO_MAX: u64 = 200;
/// Files up to this size, in bytes, may have any ratio.
pub const RATIO_FREE_BYTES: u64 = 4 << 20;

/// Where macOS puts what it knows of each file beside it.
const LEFT_OUT: &str = "__MACOSX/";

/// Bits of a Unix mode that say what kind of file it is, and the kinds that are files or
/// directories.
const KIND_MASK: u32 = 0o170_000;
const KINDS_ALLOWED: [u32; 3] = [0, 0o100_000, 0o040_000];

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path inside the archive: relative, `/`-separated, no `.` or `..` segment.
    pub path: String,
    /// Unpacked size in bytes, as the archive states it. A [`Reader`] yields exactly that or
    /// fails.
    pub size: u64,
    index: usize,
}

impl Entry {
    /// A file that is all there is.
    pub(crate) fn alone(path: &str, size: u64) -> Self {
        Self { path: path.to_owned(), size, index: 0 }
    }
}

/// A zip archive in memory whose entries obey the rules.
pub struct Archive<B> {
    zip: ZipArchive<Cursor<B>>,
    entries: Vec<Entry>,
}

impl<B: AsRef<[u8]> + Clone> Archive<B> {
    /// Opens an archive and checks all of its entries, unpacking none.
    pub fn open(bytes: B) -> Result<Self, Error> {
        directory::check_claims(bytes.as_ref())?;
        let mut zip = ZipArchive::new(Cursor::new(bytes.clone())).map_err(unreadable)?;
        let names = directory::count(bytes.as_ref(), zip.central_directory_start())?;
        if names != zip.len() {
            return Err(Error::Archive("its central directory has no certain end".into()));
        }
        let entries = entries(&mut zip)?;
        Ok(Self { zip, entries })
    }

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

    /// The position of the file at a path.
    pub fn position(&self, path: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.path == path)
    }

    /// Starts unpacking the file at a position of [`Archive::entries`].
    pub fn reader(&mut self, position: usize) -> Result<Reader<'_, B>, Error> {
        let missing = || Error::Archive(format!("it has no file number {position}"));
        let entry = self.entries.get(position).ok_or_else(missing)?;
        let file = self.zip.by_index(entry.index).map_err(|error| in_file(&entry.path, error))?;
        Ok(Reader { file, path: &entry.path, left: entry.size })
    }
}

/// A file being unpacked.
pub struct Reader<'a, B: AsRef<[u8]>> {
    file: ZipFile<'a, Cursor<B>>,
    path: &'a str,
    left: u64,
}

impl<B: AsRef<[u8]>> Reader<'_, B> {
    /// The next bytes: `length` of them, fewer at the end of the file, none after it. A wrong
    /// checksum or a size other than stated fails at the last piece.
    pub fn next(&mut self, length: usize) -> Result<Vec<u8>, Error> {
        let wanted = self.left.min(length as u64);
        let mut piece = Vec::with_capacity(wanted.try_into().unwrap_or(length));
        let read = self.file.by_ref().take(wanted).read_to_end(&mut piece);
        let read = read.map_err(|error| damaged(self.path, &error))? as u64;
        self.left -= read;
        if read < wanted {
            return Err(Error::file(self.path, "is shorter than the archive says"));
        }
        if self.left == 0 {
            self.check_end()?;
        }
        Ok(piece)
    }

    /// How many bytes are still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// The checksum is compared by the read that finds nothing more.
    fn check_end(&mut self) -> Result<(), Error> {
        match self.file.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(Error::file(self.path, "is longer than the archive says")),
            Err(error) => Err(damaged(self.path, &error)),
        }
    }
}

fn entries<B: AsRef<[u8]>>(zip: &mut ZipArchive<Cursor<B>>) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(zip.len());
    let (mut unpacked, mut names) = (0_u64, Names::default());
    for index in 0..zip.len() {
        let file = zip.by_index_raw(index).map_err(unreadable)?;
        let path = checked(&decoded(file.name_raw(), file.name())?)?;
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
        names.insert(&path)?;
        entries.push(Entry { path, size: file.size(), index });
    }
    Ok(entries)
}

fn check_kind<B: Read>(path: &str, file: &ZipFile<'_, B>) -> Result<(), Error> {
    if file.encrypted() {
        return Err(Error::file(path, "is encrypted"));
    }
    let kind = file.unix_mode().unwrap_or(0) & KIND_MASK;
    if !KINDS_ALLOWED.contains(&kind) {
        return Err(Error::file(path, "is a link or a device, not a file"));
    }
    let ratio = file.size() / file.compressed_size().max(1);
    if file.size() > RATIO_FREE_BYTES && ratio > RATIO_MAX {
        let rule = format!("unpacks to more than {RATIO_MAX} times its packed size");
        return Err(Error::file(path, rule));
    }
    Ok(())
}

fn unreadable(error: ZipError) -> Error {
    Error::Archive(error.to_string())
}

fn in_file(path: &str, error: ZipError) -> Error {
    Error::file(path, format!("cannot be read: {error}"))
}

fn damaged(path: &str, error: &std::io::Error) -> Error {
    Error::file(path, format!("is damaged: {error}"))
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
