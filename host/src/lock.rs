//! Who works with a database file: one process of `hedge` at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::paths::path_beside;

/// Bytes of the line in a lock file: a process's number, a host's name of 64 bytes and an address
/// fit.
const HOLDER_WIDTH: usize = 139;
/// Most bytes of a lock file that are read.
const HOLDER_BYTES_MAX: u64 = 140;
/// What is between a holder's name and its address.
const AT: &str = " at ";

/// Who has the lock on a database.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Which process that is, and which database.
    pub description: String,
    /// Its number, if it is of this machine.
    pub process: Option<u32>,
    /// Where it answers requests, if it said so.
    pub address: Option<SocketAddr>,
}

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
        Self::take_with(database, None, |_, holder| {
            bail!("{}: stop it first, or use a folder of your own", holder.description)
        })
    }

    /// The same, but waits for another process that has it, after telling which. `own` is where
    /// this process answers, for whoever waits for it.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn wait_for(
        database: &Path,
        own: Option<SocketAddr>,
        tell: impl FnOnce(Holder),
    ) -> Result<Self> {
        Self::take_with(database, own, |file, holder| {
            tell(holder);
            Ok(file.lock()?)
        })
    }

    fn take_with(
        database: &Path,
        own: Option<SocketAddr>,
        when_held: impl FnOnce(&File, Holder) -> Result<()>,
    ) -> Result<Self> {
        let path = lock_path(database);
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
            Err(TryLockError::WouldBlock) => when_held(&file, read_holder(&file, database))?,
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        // For whoever is refused; a disk that is full keeps no node from starting.
        let _ = write_holder(&mut file, own);
        Ok(Self { _file: file })
    }
}

/// Writes down who has the lock. Containers count processes by themselves, each from 1, but each
/// has a name. It is written over what was there: to empty a file first takes milliseconds.
fn write_holder(lock: &mut File, address: Option<SocketAddr>) -> Result<()> {
    let machine = rustix::system::uname();
    let mut holder = format!("{} on {}", std::process::id(), machine.nodename().to_string_lossy());
    if let Some(address) = address {
        holder.push_str(&format!("{AT}{address}"));
    }
    lock.rewind()?;
    Ok(writeln!(lock, "{holder:<HOLDER_WIDTH$}")?)
}

/// Who has the lock on a database.
fn read_holder(mut lock: &File, database: &Path) -> Holder {
    let mut line = String::new();
    let _ = Read::by_ref(&mut lock).take(HOLDER_BYTES_MAX).read_to_string(&mut line);
    let line = line.trim();
    let (name, address) = line.split_once(AT).unwrap_or((line, ""));
    let description = format!("process {name} works with {}", database.display());
    let machine = rustix::system::uname();
    let here =
        name.split_once(" on ").filter(|(_, on)| machine.nodename().to_bytes() == on.as_bytes());
    let process = here.and_then(|(number, _)| number.parse().ok());
    Holder { description, process, address: address.parse().ok() }
}

/// Who has the lock on a database, if anybody. Nothing is written.
///
/// # Errors
/// When the lock file cannot be read.
pub fn find_holder(database: &Path) -> Result<Option<Holder>> {
    let path = lock_path(database);
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.with_context(|| format!("cannot read {}", path.display()))?,
    };
    // Shared, and for no longer than this: a node that starts at this very moment is refused at
    // worst by another one, which this is not.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Ok(Some(read_holder(&file, database))),
        Err(TryLockError::Error(error)) => Err(error.into()),
        Ok(()) => Ok(None),
    }
}

/// Looks whether a lock could be taken, and leaves everything as it is.
///
/// # Errors
/// When another process has it; says which.
pub fn check_free(database: &Path) -> Result<()> {
    if lock_path(database).exists() { Lock::take(database).map(drop) } else { Ok(()) }
}

/// Where the lock on a database is.
fn lock_path(database: &Path) -> PathBuf {
    path_beside(database, ".lock")
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
        let seen = find_holder(&database).unwrap().unwrap();
        assert_eq!(seen.process, Some(std::process::id()));
        drop(lock);
        assert!(find_holder(&database).unwrap().is_none());
        Lock::take(&database).unwrap();
    }

    #[test]
    fn who_waits_is_told_for_whom_and_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let own = "192.0.2.1:80".parse().ok();
        let lock = Lock::wait_for(&database, own, |_| unreachable!()).unwrap();
        let (told, waits) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let tell = |holder| told.send(holder).unwrap();
            let second = scope.spawn({
                let database = &database;
                move || Lock::wait_for(database, None, tell)
            });
            let Holder { description, address, .. } = waits.recv().unwrap();
            assert!(description.contains(&std::process::id().to_string()), "{description}");
            assert_eq!(address, own);
            assert!(!second.is_finished());
            drop(lock);
            second.join().unwrap().unwrap();
        });
    }
}
