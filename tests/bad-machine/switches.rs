//! What can be switched while the program runs: its clock, and whether its disk is full. A file of two 64-bit
//! numbers, mapped into memory, so that looking costs nothing.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicI64, Ordering};

use libc::c_int;

/// How far the clock is off, in seconds; and whether the disk is full, if not 0. In the machine's byte order.
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
        // SAFETY: as long as `Switched`, aligned to a page, never unmapped, and any bits are numbers.
        let switched = unsafe { &*mapped.cast::<Switched>() };
        let folder = folder.map(fs::canonicalize).transpose()?;
        Ok(Self { switched, folder })
    }

    /// How far the clock is off, in seconds.
    pub fn clock_s(&self) -> i64 {
        self.switched.clock_s.load(Ordering::Relaxed)
    }

    /// Whether there is no room to write this far into a file. What is there already can be written over.
    pub fn is_full(&self, fd: c_int, end: impl FnOnce() -> i64) -> bool {
        if self.switched.full.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let Some(folder) = &self.folder else { return false };
        let path = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
        let length = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        path.starts_with(folder) && end().unsigned_abs() > length
    }
}
