//! A disk that loses power: a library to preload (`LD_PRELOAD`) into a program on Linux with glibc.
//!
//! `kill -9` takes nothing from the operating system's cache, so a program that never syncs survives it
//! unharmed. This library keeps, beside the folder that a program works in, a *shadow* of it: what an honest
//! disk would still hold if power failed at this instant. The strictest reading of POSIX applies:
//!
//! * what is written to a file reaches the shadow when that file is synced (`fsync`, `fdatasync`), not before;
//! * a new name, a new place, a removal reach it when the folder of the name is synced, not before.
//!
//! Disks may also have written some of what was not synced; whoever takes the power away (`Disk` in the
//! package's library) can mix in any part of it, for the program's own folder still has it all.
//!
//! | variable | meaning |
//! |---|---|
//! | `HEDGE_DISK_FOLDER` | the folder to watch: files in it and in folders below |
//! | `HEDGE_DISK_SHADOW` | the shadow: `names/` is the folder's durable state, `contents/` its files by inode |
//! | `HEDGE_DISK_LIES` | set to anything: the disk acknowledges every sync and keeps none |
//! | `HEDGE_DISK_SYNC_DELAY_US` | each sync takes this many microseconds more; needs no folder |
//!
//! It watches `write`, `writev`, `pwrite`, `pwritev`, `ftruncate` and both syncs, which is how Rust's library
//! and SQLite write (-shm files are mapped into memory, and need not last). Bytes that arrive by other ways
//! (memory maps, `copy_file_range`) are never taken for durable: a test fails of it, rather than passes.
//! Each run of the program needs a shadow made anew, and only one process may write.

mod shadow;

use std::env;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use libc::{iovec, off_t, size_t, ssize_t};

use shadow::Shadow;

/// What the environment asks for.
struct Settings {
    shadow: Option<Shadow>,
    sync_delay: Duration,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Run by the loader before the program: what is in the folder now counts as durable.
#[used]
#[unsafe(link_section = ".init_array")]
static PREPARE: extern "C" fn() = prepare;

extern "C" fn prepare() {
    let sync_delay = env::var("HEDGE_DISK_SYNC_DELAY_US").ok().and_then(|us| us.parse().ok());
    let folders = env::var_os("HEDGE_DISK_FOLDER").zip(env::var_os("HEDGE_DISK_SHADOW"));
    let lies = env::var_os("HEDGE_DISK_LIES").is_some();
    let shadow = folders.filter(|_| !lies).map(|(folder, shadow)| {
        Shadow::open(folder.as_ref(), shadow.as_ref()).unwrap_or_else(|error| give_up(&error))
    });
    let sync_delay = Duration::from_micros(sync_delay.unwrap_or(0));
    let _ = SETTINGS.set(Settings { shadow, sync_delay });
}

/// Ends the program: a shadow that is not right would prove nothing.
fn give_up(error: &std::io::Error) -> ! {
    eprintln!("the disk's shadow failed: {error}");
    std::process::abort()
}

/// Tells the shadow, if there is one, that bytes of a file were written; `end` tells where they end.
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
