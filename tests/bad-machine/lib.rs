//! A machine that fails: a library to preload (`LD_PRELOAD`) into a program on Linux with glibc.
//! Its disk loses power, is slow or is full; its clock jumps.
//!
//! # Power
//!
//! `kill -9` takes nothing from the operating system's cache, so a program that never syncs
//! survives it unharmed. This library keeps, beside the folder that a program works in, a *shadow*
//! of it: what an honest disk would still hold if power failed at this instant. The strictest
//! reading of POSIX applies:
//!
//! * what is written to a file reaches the shadow when that file is synced (`fsync` or
//!   `fdatasync`, which are alike here), not before;
//! * a new name, a new place, a removal reach it when the folder of the name is synced, not
//!   before.
//!
//! Disks may also have written some of what was not synced; whoever takes the power away (`Disk`
//! in the package's library) can mix in any part of it, for the program's own folder still has it
//! all.
//!
//! # A full disk, a wrong clock
//!
//! Both are switched while the program runs, by writing to a file of two 64-bit numbers. On a full
//! disk files can be written over, and do not grow: `ENOSPC`. The clock that is wrong is that of
//! the day (`CLOCK_REALTIME`); the one that measures how long things take goes on as it was, as on
//! real machines. Debian's `libfaketime` does not do: with the second clock left alone, it fails
//! absolute sleeps on that, which Rust's `sleep` is made of.
//!
//! | variable | meaning |
//! |---|---|
//! | `HEDGE_DISK_FOLDER` | the folder to watch: files in it and in folders below |
//! | `HEDGE_DISK_SHADOW` | the shadow: `names/` is the folder's durable state, `contents/` its files by inode |
//! | `HEDGE_DISK_LIES` | set to anything: the disk acknowledges every sync and keeps none |
//! | `HEDGE_MACHINE_SWITCHES` | the file: seconds that the clock is ahead; and 1: the disk under the folder is full |
//! | `HEDGE_DISK_SYNC_DELAY_US` | each sync takes this many microseconds more; needs no folder |
//!
//! It watches `write`, `writev`, `pwrite`, `pwritev`, `ftruncate` and both syncs, which is how
//! Rust's library and SQLite write (-shm files are mapped into memory, and need not last). Bytes
//! that arrive by other ways (memory maps, `copy_file_range`) are never taken for durable: a test
//! fails of it, rather than passes. Each run of the program needs a shadow made anew, and only one
//! process may write.

mod shadow;
mod switches;

use std::env;
use std::ffi::{c_int, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use libc::{clockid_t, iovec, off_t, size_t, ssize_t, time_t, timespec, timeval};

use shadow::Shadow;
use switches::Switches;

/// What the environment asks for.
struct Settings {
    shadow: Option<Shadow>,
    switches: Option<Switches>,
    sync_delay: Duration,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Run by the loader before the program: what is in the folder now counts as durable.
#[used]
#[unsafe(link_section = ".init_array")]
static PREPARE: extern "C" fn() = prepare;

extern "C" fn prepare() {
    let sync_delay = env::var("HEDGE_DISK_SYNC_DELAY_US").ok().and_then(|us| us.parse().ok());
    let path = |name| env::var_os(name).map(PathBuf::from);
    let folder = path("HEDGE_DISK_FOLDER");
    let lies = env::var_os("HEDGE_DISK_LIES").is_some();
    let folders = folder.as_ref().zip(path("HEDGE_DISK_SHADOW")).filter(|_| !lies);
    let shadow = folders.map(|(folder, shadow)| {
        Shadow::open(folder, &shadow).unwrap_or_else(|error| give_up(&error))
    });
    let switches = path("HEDGE_MACHINE_SWITCHES").map(|file| {
        Switches::open(&file, folder.as_deref()).unwrap_or_else(|error| give_up(&error))
    });
    let sync_delay = Duration::from_micros(sync_delay.unwrap_or(0));
    let _ = SETTINGS.set(Settings { shadow, switches, sync_delay });
}

/// Ends the program: a shadow that is not right would prove nothing.
fn give_up(error: &std::io::Error) -> ! {
    eprintln!("the machine that fails failed to: {error}");
    std::process::abort()
}

/// Tells the shadow, if there is one, that bytes of a file were written; `end` tells where they
/// end.
///
/// Only after the write: a sync that began before it has no duty to it.
fn wrote(fd: c_int, count: ssize_t, end: impl FnOnce() -> off_t) {
    let Some(shadow) = SETTINGS.get().and_then(|settings| settings.shadow.as_ref()) else { return };
    if count <= 0 {
        return;
    }
    let noted = shadow.wrote(fd, count as u64, || end() as u64);
    noted.unwrap_or_else(|error| give_up(&error));
}

/// Whether the disk has no room for a write that ends there; then the C library's error is set.
fn is_full(fd: c_int, end: impl FnOnce() -> off_t) -> bool {
    let switches = SETTINGS.get().and_then(|settings| settings.switches.as_ref());
    let is_full = switches.is_some_and(|switches| switches.is_full(fd, end));
    if is_full {
        // SAFETY: the thread's own.
        unsafe { *libc::__errno_location() = libc::ENOSPC };
    }
    is_full
}

/// How many bytes these parts have.
///
/// # Safety
/// There are so many parts.
unsafe fn length(parts: *const iovec, count: c_int) -> off_t {
    let parts = (0..count.max(0) as usize).map(|n| unsafe { (*parts.add(n)).iov_len as off_t });
    parts.sum()
}

/// The position that a write without one has left the file at.
fn position(fd: c_int) -> off_t {
    // SAFETY: a call without pointers.
    unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) }
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn write(fd: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    if is_full(fd, || position(fd) + count as off_t) {
        return -1;
    }
    // SAFETY: the caller's promise. The same for all calls below.
    let written = unsafe { libc::syscall(libc::SYS_write, fd, bytes, count) };
    wrote(fd, written as ssize_t, || position(fd));
    written as ssize_t
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn writev(fd: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    if is_full(fd, || position(fd) + unsafe { length(parts, count) }) {
        return -1;
    }
    let written = unsafe { libc::syscall(libc::SYS_writev, fd, parts, count) };
    wrote(fd, written as ssize_t, || position(fd));
    written as ssize_t
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite64(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    if is_full(fd, || at + count as off_t) {
        return -1;
    }
    let written = unsafe { libc::syscall(libc::SYS_pwrite64, fd, bytes, count, at) };
    wrote(fd, written as ssize_t, || at + written);
    written as ssize_t
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwrite(
    fd: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off_t,
) -> ssize_t {
    unsafe { pwrite64(fd, bytes, count, at) }
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev64(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    at: off_t,
) -> ssize_t {
    if is_full(fd, || at + unsafe { length(parts, count) }) {
        return -1;
    }
    // The kernel takes the position in two halves; the upper one is unused on 64 bits.
    let written = unsafe { libc::syscall(libc::SYS_pwritev, fd, parts, count, at, 0) };
    wrote(fd, written as ssize_t, || at + written);
    written as ssize_t
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pwritev(
    fd: c_int,
    parts: *const iovec,
    count: c_int,
    at: off_t,
) -> ssize_t {
    unsafe { pwritev64(fd, parts, count, at) }
}

/// As the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    if let Some(switches) = SETTINGS.get().and_then(|settings| settings.switches.as_ref()) {
        switches.cut(fd, length);
    }
    // SAFETY: a call without pointers. The same for all calls below.
    let result = unsafe { libc::syscall(libc::SYS_ftruncate, fd, length) } as c_int;
    let shadow = SETTINGS.get().and_then(|settings| settings.shadow.as_ref());
    if let Some(shadow) = shadow.filter(|_| result == 0) {
        shadow.truncated(fd, length as u64).unwrap_or_else(|error| give_up(&error));
    }
    result
}

/// As the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    ftruncate64(fd, length)
}

/// As the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, unsafe { libc::syscall(libc::SYS_fsync, fd) } as c_int)
}

/// As the C library's.
#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, unsafe { libc::syscall(libc::SYS_fdatasync, fd) } as c_int)
}

/// What a sync does besides what the system does.
fn synced(fd: c_int, result: c_int) -> c_int {
    let Some(settings) = SETTINGS.get() else { return result };
    if !settings.sync_delay.is_zero() {
        thread::sleep(settings.sync_delay);
    }
    if let Some(shadow) = settings.shadow.as_ref().filter(|_| result == 0) {
        shadow.sync(fd).unwrap_or_else(|error| give_up(&error));
    }
    result
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    // SAFETY: the caller's promise. The same for all calls below.
    let result = unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) } as c_int;
    let tells_the_day = matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE);
    let switches = SETTINGS.get().and_then(|settings| settings.switches.as_ref());
    if let Some(switches) = switches.filter(|_| result == 0 && tells_the_day) {
        unsafe { (*time).tv_sec += switches.clock_s() };
    }
    result
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn gettimeofday(time: *mut timeval, _zone: *mut c_void) -> c_int {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    let result = unsafe { clock_gettime(libc::CLOCK_REALTIME, &mut now) };
    if !time.is_null() {
        unsafe { *time = timeval { tv_sec: now.tv_sec, tv_usec: now.tv_nsec / 1_000 } };
    }
    result
}

/// As the C library's.
///
/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn time(time: *mut time_t) -> time_t {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &mut now) };
    if !time.is_null() {
        unsafe { *time = now.tv_sec };
    }
    now.tv_sec
}
