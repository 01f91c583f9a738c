//! Who works with a database file: one process of `hedge` at a time.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Most bytes of a lock file that an error shows.
const HOLDER_BYTES_MAX: u64 = 20;

/// Held on a database file by the process that runs the node, or that puts back a backup. It ends
/// with the process, however that ends.
///
/// The lock is on a file of its own: SQLite's locks on a database are lost whenever its process
/// closes that file once.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock on a database file, which need not exist; its folder has to.
    ///
    /// # Errors
    /// When another process has it; says which.
    pub fn take(database: &Path) -> Result<Self> {
        let path = path(database);
        let context = || format!("cannot lock {}", path.display());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = Read::by_ref(&mut file).take(HOLDER_BYTES_MAX).read_to_string(&mut holder);
                bail!(
                    "process {} works with {}: stop it first, or use a folder of your own",
                    holder.trim(),
                    database.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        // For whoever is refused; a disk that is full keeps no node from starting.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// Looks whether a lock could be taken, and leaves everything as it is.
///
/// # Errors
/// When another process has it; says which.
pub fn check(database: &Path) -> Result<()> {
    if path(database).exists() { Lock::take(database).map(drop) } else { Ok(()) }
}

/// Where the lock on a database is.
fn path(database: &Path) -> PathBuf {
    let mut path = OsString::from(database);
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let lock = Lock::take(&database).unwrap();
        let refused = Lock::take(&database).unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(lock);
        Lock::take(&database).unwrap();
    }
}
