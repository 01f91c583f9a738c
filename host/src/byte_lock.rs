//! A lock on a database file itself, which nobody can delete as one deletes a lock file.
//!
//! It is on one byte far beyond those that SQLite locks (512 of them from 1 GiB on), and beyond all
//! that a database has. It belongs to the open file (`fcntl(2)`, "Open file description locks"):
//! what else this process opens and closes leaves it alone, and it ends with the process.
//!
//! To close the file ends SQLite's own locks on it in this process (`fcntl(2)` again): it is kept
//! open for as long as SQLite has it open here.

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

/// The byte that is locked.
const BYTE: libc::off_t = 1 << 62;
/// How often the lock is tried where the file system knows no way to wait for it.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// Takes the lock if nobody has it, and says whether that is so. The file is open for writing.
///
/// # Errors
/// When the system refuses for another reason.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    match control(file, libc::F_OFD_SETLK, libc::F_WRLCK) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        // POSIX lets systems say it this way.
        Err(error) if error.raw_os_error() == Some(libc::EACCES) => Ok(false),
        Err(error) if is_unknown(&error) => {
            tracing::debug!("no locks on open files here: {error}");
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Waits for the lock and takes it.
///
/// # Errors
/// As [`try_lock`].
pub(crate) fn wait_for_lock(file: &File) -> io::Result<()> {
    loop {
        match control(file, libc::F_OFD_SETLKW, libc::F_WRLCK) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // There are file systems that know the lock, and not how to wait for it.
            Err(error) if is_unknown(&error) && !try_lock(file)? => thread::sleep(RETRY_EVERY),
            Err(error) if is_unknown(&error) => return Ok(()),
            done => return done.map(drop),
        }
    }
}

/// Whether somebody has the lock. Nothing is locked meanwhile.
///
/// # Errors
/// As [`try_lock`].
pub(crate) fn is_locked(file: &File) -> io::Result<bool> {
    match control(file, libc::F_OFD_GETLK, libc::F_WRLCK) {
        Ok(found) => Ok(found != libc::F_UNLCK),
        Err(error) if is_unknown(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the system, or the file's, has no such locks: the lock file is all there is then.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP))
}

/// Asks the system for a lock on the byte; answers the kind of lock that it says.
fn control(file: &File, command: libc::c_int, kind: libc::c_int) -> io::Result<libc::c_int> {
    // SAFETY: numbers alone, for which zero is a value.
    let mut range: libc::flock = unsafe { mem::zeroed() };
    range.l_type = kind as libc::c_short;
    range.l_whence = libc::SEEK_SET as libc::c_short;
    range.l_start = BYTE;
    range.l_len = 1;
    // SAFETY: the descriptor is open as long as `file` is, and the system writes to `range` alone.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut range) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(range.l_type.into()) }
}
