//! What can be switched while the program runs: its clock, and whether its disk is full. A file of
//! two 64-bit numbers, mapped into memory, so that looking costs nothing.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use libc::c_int;

/// How far the clock is off, in seconds; and whether the disk is full, if not 0. In the machine's
/// byte order.
#[repr(C)]
struct Switched {
    clock_s: AtomicI64,
    full: AtomicI64,
}

/// The switches of a program.
pub struct Switches {
    switched: &'static Switched,
    /// The folder whose disk may be full.
    folder: Option<PathBuf>,
    /// What was cut off files since it is, in bytes.
    room: AtomicI64,
}

impl Switches {
    /// Those in a file, which is made long enough if it is not.
    pub fn open(file: &Path, folder: Option<&Path>) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file)?;
        let bytes = size_of::<Switched>();
        if file.metadata()?.len() < bytes as u64 {
            file.set_len(bytes as u64)?;
        }
        let (protection, shared) = (libc::PROT_READ, libc::MAP_SHARED);
        // SAFETY: a new mapping of a file that is long enough.
        let mapped =
            unsafe { libc::mmap(ptr::null_mut(), bytes, protection, shared, file.as_raw_fd(), 0) };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as long as `Switched`, aligned to a page, never unmapped, and any bits are
        // numbers.
        let switched = unsafe { &*mapped.cast::<Switched>() };
        let folder = folder.map(fs::canonicalize).transpose()?;
        Ok(Self { switched, folder, room: AtomicI64::new(0) })
    }

    /// How far the clock is off, in seconds.
    pub fn clock_s(&self) -> i64 {
        self.switched.clock_s.load(Ordering::Relaxed)
    }

    /// Whether there is no room to write this far into a file. What is there already can be
    /// written over, and what was cut off elsewhere is room.
    pub fn is_full(&self, fd: c_int, end: impl FnOnce() -> i64) -> bool {
        let Some(length) = self.length(fd) else { return false };
        let grows = end().saturating_sub(length);
        let takes = |room: i64| (room >= grows).then_some(room - grows.max(0));
        grows > 0 && self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, takes).is_err()
    }

    /// Takes note that a file is going to have this length.
    pub fn cut(&self, fd: c_int, length: i64) {
        let freed = self.length(fd).map_or(0, |before| before.saturating_sub(length));
        self.room.fetch_add(freed.max(0), Ordering::Relaxed);
    }

    /// The length of a file on the disk, if that is full.
    fn length(&self, fd: c_int) -> Option<i64> {
        if self.switched.full.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let path = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
        let is_there = self.folder.as_ref().is_some_and(|folder| path.starts_with(folder));
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        is_there.then(|| i64::try_from(length).unwrap_or(i64::MAX))
    }
}
