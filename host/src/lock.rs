//! Who works with a database file: one process of `hedge` at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hedge_sqlite::private::file_mode;

use crate::byte_lock;
use crate::paths::path_beside;

/// Bytes of the line in a lock file: a process's number, a host's name of 64 bytes and an address
/// fit.
const HOLDER_WIDTH: usize = 139;
/// Most bytes of a lock file that are read.
const HOLDER_BYTES_MAX: u64 = 140;
/// How often a lock is taken anew whose file is another one by then.
const ATTEMPTS_MAX: usize = 100;
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
    /// Whether its lock file is there. Somebody may have deleted it.
    pub has_file: bool,
}

/// Held on a database file by the process that runs the node, or that puts back a backup. It ends
/// with the process, however that ends.
///
/// It is two locks. One is on a file of its own, which says who has it; SQLite's locks on a
/// database are lost whenever its process closes that file once. The other one is on the database
/// itself ([`byte_lock`]): it is there also when somebody deletes the first one's file. It is to be
/// dropped after whatever has the database open in this process.
#[derive(Debug)]
pub struct Lock {
    /// None: there is no database yet. Let go first: who waits for the file is not to find the
    /// database locked.
    _database: Option<File>,
    _file: File,
}

impl Lock {
    /// Takes the lock on a database file, which need not exist; its folder has to.
    ///
    /// # Errors
    /// When another process has it; says which.
    pub fn take(database: &Path) -> Result<Self> {
        Self::take_with(database, None, &|holder, _| refuse(&holder))
    }

    /// The same, but waits for another process that has it, after telling which. `own` is where
    /// this process answers, for whoever waits for it.
    ///
    /// # Errors
    /// When the lock file or the database cannot be used.
    pub fn wait_for(
        database: &Path,
        own: Option<SocketAddr>,
        tell: impl Fn(Holder),
    ) -> Result<Self> {
        Self::take_with(database, own, &|holder, wait| {
            tell(holder);
            Ok(wait()?)
        })
    }

    fn take_with(
        database: &Path,
        own: Option<SocketAddr>,
        when_held: &WhenHeld<'_>,
    ) -> Result<Self> {
        let mut file = lock_file(&lock_path(database), database, when_held)?;
        let database = lock_database(database, when_held)?;
        // For whoever is refused; a disk that is full keeps no node from starting.
        let _ = write_holder(&mut file, own);
        Ok(Self { _file: file, _database: database })
    }
}

/// What to do when another process has a lock: give up, or wait in the way that is given.
type WhenHeld<'a> = dyn Fn(Holder, &dyn Fn() -> io::Result<()>) -> Result<()> + 'a;

fn refuse(holder: &Holder) -> Result<()> {
    bail!("{}: stop it first, or use a folder of your own", holder.description)
}

/// Locks the file that says who has a database: the one that has the name when the lock is there.
/// Whoever waits for one that is deleted meanwhile would have it beside a new one's holder.
fn lock_file(path: &Path, database: &Path, when_held: &WhenHeld<'_>) -> Result<File> {
    let context = || format!("cannot lock {}", path.display());
    let folder = path.parent().unwrap_or(Path::new("/"));
    for _ in 0..ATTEMPTS_MAX {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(file_mode(folder))
            .open(path)
            .with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                when_held(read_holder(&file, database), &|| file.lock())?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        if is_at(&file, path) {
            return Ok(file);
        }
    }
    bail!("cannot lock {}: it is deleted again and again", path.display())
}

/// Locks the database itself, if there is one.
fn lock_database(database: &Path, when_held: &WhenHeld<'_>) -> Result<Option<File>> {
    let context = || format!("cannot lock {}", database.display());
    for _ in 0..ATTEMPTS_MAX {
        let file = match OpenOptions::new().read(true).write(true).open(database) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(context)?,
        };
        if !byte_lock::try_lock(&file).with_context(context)? {
            when_held(unknown_holder(database), &|| byte_lock::wait_for_lock(&file))?;
        }
        // A backup may have been put in its place meanwhile.
        if is_at(&file, database) {
            return Ok(Some(file));
        }
    }
    bail!("cannot lock {}: it is replaced again and again", database.display())
}

/// Whether an open file is the one that has this name.
fn is_at(file: &File, path: &Path) -> bool {
    let inode = |found: fs::Metadata| (found.dev(), found.ino());
    let (open, named) = (file.metadata().map(inode), fs::metadata(path).map(inode));
    open.ok().zip(named.ok()).is_some_and(|(open, named)| open == named)
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
    Holder { description, process, address: address.parse().ok(), has_file: true }
}

/// Who has the lock on a database without its lock file, which somebody has deleted.
fn unknown_holder(database: &Path) -> Holder {
    let description = format!("another process works with {}", database.display());
    Holder { description, process: None, address: None, has_file: false }
}

/// Who has the lock on a database, if anybody. Nothing is written.
///
/// # Errors
/// When the lock file or the database cannot be read.
pub fn find_holder(database: &Path) -> Result<Option<Holder>> {
    if let Some(file) = open_existing(&lock_path(database))? {
        // Shared, and for no longer than this: a node that starts at this very moment is refused
        // at worst by another one, which this is not.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => return Ok(Some(read_holder(&file, database))),
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Ok(()) => {}
        }
    }
    let Some(file) = open_existing(database)? else { return Ok(None) };
    Ok(byte_lock::is_locked(&file)?.then(|| unknown_holder(database)))
}

fn open_existing(path: &Path) -> Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Looks whether a lock could be taken, and leaves everything as it is.
///
/// # Errors
/// When another process has it; says which.
pub fn check_free(database: &Path) -> Result<()> {
    if lock_path(database).exists() {
        return Lock::take(database).map(drop);
    }
    find_holder(database)?.map_or(Ok(()), |holder| refuse(&holder))
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

    #[test]
    fn a_deleted_lock_file_lets_nobody_else_in() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        File::create_new(&database).unwrap();
        let lock = Lock::take(&database).unwrap();
        fs::remove_file(lock_path(&database)).unwrap();
        let holder = find_holder(&database).unwrap().unwrap();
        assert!(holder.description.contains("another process works with"), "{holder:?}");
        assert!(check_free(&database).is_err());
        assert!(!lock_path(&database).exists(), "a check leaves everything as it is");
        assert!(Lock::take(&database).is_err());
        // And now that there is a new lock file, which the one who was refused has left.
        assert!(check_free(&database).is_err() && find_holder(&database).unwrap().is_some());
        std::thread::scope(|scope| {
            let (told, waits) = std::sync::mpsc::channel();
            let tell = move |holder| told.send(holder).unwrap();
            let database = &database;
            let second = scope.spawn(move || Lock::wait_for(database, None, tell));
            let Holder { process, .. } = waits.recv().unwrap();
            assert_eq!(process, None);
            assert!(!second.is_finished());
            drop(lock);
            second.join().unwrap().unwrap();
        });
        check_free(&database).unwrap();
    }

    #[test]
    fn a_lock_file_that_is_deleted_while_somebody_waits_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let lock = Lock::take(&database).unwrap();
        std::thread::scope(|scope| {
            let (told, waits) = std::sync::mpsc::channel();
            let tell = move |holder| told.send(holder).unwrap();
            let database = &database;
            let second = scope.spawn(move || Lock::wait_for(database, None, tell));
            waits.recv().unwrap();
            fs::remove_file(lock_path(database)).unwrap();
            drop(lock);
            let _second = second.join().unwrap().unwrap();
            assert!(Lock::take(database).is_err());
        });
    }

    #[tokio::test]
    async fn the_database_is_used_under_the_lock_and_the_lock_outlives_its_connections() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = hedge_sqlite::Database::open(&path).unwrap();
        let lock = Lock::take(&path).unwrap();
        let guest = database.connect();
        guest.execute("CREATE TABLE t (x)".into(), vec![]).await.unwrap();
        guest.execute("SELECT x FROM t".into(), vec![]).await.unwrap();
        database.close().await;
        fs::remove_file(lock_path(&path)).unwrap();
        assert!(Lock::take(&path).is_err());
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn nobody_else_may_read_the_lock_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let _lock = Lock::take(&database).unwrap();
        assert_eq!(fs::metadata(lock_path(&database)).unwrap().mode() & 0o777, 0o600);
    }
}
