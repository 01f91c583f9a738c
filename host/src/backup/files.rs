//! Files as backups need them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// Bytes that are read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Makes an empty file that nobody else may read: databases hold hashes of passwords.
pub fn create_private(path: &Path) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| path.display().to_string())
}

/// The size of a file and its SHA-256, in lower-case hexadecimal.
pub fn hash_file(path: &Path, progress: impl FnMut(u64, u64)) -> Result<(u64, String)> {
    hash_while(path, &mut io::sink(), progress)
}

/// Copies a file to a new one, durably, and answers as [`hash_file`].
pub fn copy_file(from: &Path, to: &Path, progress: impl FnMut(u64, u64)) -> Result<(u64, String)> {
    let mut file = create_private(to)?;
    let hashed = hash_while(from, &mut file, progress)?;
    file.sync_all()?;
    Ok(hashed)
}

fn hash_while(
    from: &Path,
    to: &mut impl Write,
    mut progress: impl FnMut(u64, u64),
) -> Result<(u64, String)> {
    let mut file = File::open(from).with_context(|| from.display().to_string())?;
    let all = file.metadata()?.len();
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, Vec::with_capacity(CHUNK_BYTES));
    loop {
        chunk.clear();
        Read::by_ref(&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
        if chunk.is_empty() {
            return Ok((bytes, format!("{:x}", hash.finalize())));
        }
        hash.update(&chunk);
        to.write_all(&chunk)?;
        bytes += chunk.len() as u64;
        progress(bytes, all);
    }
}

/// Makes what was created, renamed or removed in a folder durable.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)?.sync_all().with_context(|| folder.display().to_string())
}
