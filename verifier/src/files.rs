//! Reading files that someone may have made to do harm.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::Error;

/// Most files that a folder may bring.
const FILES_MAX: usize = 10_000;

/// The files that a path names: itself or, if it is a folder, those in it with one of these
/// extensions, by name.
///
/// # Errors
/// [`Error::Io`] when the folder cannot be read, has none of these, or more than [`FILES_MAX`].
pub fn list_files(path: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let io = |error| Error::Io { path: path.to_owned(), error };
    let is_wanted = |path: &Path| {
        let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
        extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        if is_wanted(&file) {
            files.push(file);
        }
        if files.len() > FILES_MAX {
            return Err(io(io::Error::other(format!("more than {FILES_MAX} files"))));
        }
    }
    if files.is_empty() {
        let wanted = extensions.join(" or .");
        return Err(io(io::Error::other(format!("a folder without any .{wanted}"))));
    }
    files.sort();
    Ok(files)
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::TooLarge`] when it has more than `bytes_max`.
pub fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Error> {
    let io = |error| Error::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    // One byte more shows that there are more.
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > bytes_max { Err(Error::TooLarge(bytes_max)) } else { Ok(bytes) }
}
