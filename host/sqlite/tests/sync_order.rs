//! No write is acknowledged before it has been synchronised to the disk.
//!
//! Killing a process loses nothing that the operating system has; only a power cut shows whether
//! fsync was called in time. So here SQLite's file system layer is wrapped: it remembers which
//! files have been written to since they were last synchronised, and no answer may arrive while
//! a WAL is among them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};

use hedge_sqlite::{Database, Value};
use rusqlite::ffi::{
    self, SQLITE_OK, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
};

/// Writes to WAL files, and how many of them the last synchronisation covered.
static WRITTEN: AtomicU64 = AtomicU64::new(0);
static SYNCHRONISED: AtomicU64 = AtomicU64::new(0);
static SYNCS: AtomicU64 = AtomicU64::new(0);

/// The system's own layer, and its methods for WAL files by the address of ours.
static SYSTEM: OnceLock<usize> = OnceLock::new();
static METHODS: Mutex<Option<HashMap<usize, usize>>> = Mutex::new(None);

fn system_layer() -> *mut sqlite3_vfs {
    *SYSTEM.get().unwrap() as *mut sqlite3_vfs
}

/// The methods that a wrapped file had at first.
unsafe fn original_methods(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    unsafe {
        let methods = METHODS.lock().unwrap();
        let address = methods.as_ref().unwrap().get(&((*file).pMethods as usize)).copied();
        &*(address.unwrap() as *const sqlite3_io_methods)
    }
}

unsafe extern "C" fn counted_write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    WRITTEN.fetch_add(1, SeqCst);
    unsafe { original_methods(file).xWrite.unwrap()(file, bytes, count, at) }
}

unsafe extern "C" fn counted_sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let written = WRITTEN.load(SeqCst);
    let result = unsafe { original_methods(file).xSync.unwrap()(file, flags) };
    if result == SQLITE_OK {
        SYNCHRONISED.fetch_max(written, SeqCst);
        SYNCS.fetch_add(1, SeqCst);
    }
    result
}

unsafe extern "C" fn wrapped_open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    unsafe {
        let result = (*system_layer()).xOpen.unwrap()(system_layer(), name, file, flags, out_flags);
        if result == SQLITE_OK && flags & SQLITE_OPEN_WAL != 0 {
            let methods = (*file).pMethods;
            let ours: &'static mut sqlite3_io_methods = Box::leak(Box::new(*methods));
            ours.xWrite = Some(counted_write);
            ours.xSync = Some(counted_sync);
            let mut known = METHODS.lock().unwrap();
            known
                .get_or_insert_default()
                .insert(std::ptr::from_ref(ours) as usize, methods as usize);
            (*file).pMethods = ours;
        }
        result
    }
}

/// Makes the wrapped layer the one that every connection of this process uses.
fn install_layer() {
    unsafe {
        assert_eq!(ffi::sqlite3_initialize(), SQLITE_OK);
        let found = ffi::sqlite3_vfs_find(std::ptr::null());
        SYSTEM.set(found as usize).unwrap();
        let ours: &'static mut sqlite3_vfs = Box::leak(Box::new(*found));
        ours.zName = c"watched".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(wrapped_open);
        assert_eq!(ffi::sqlite3_vfs_register(ours, 1), SQLITE_OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_comes_after_its_synchronisation() {
    install_layer();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("t.db")).unwrap();
    let create = "CREATE TABLE t (v INTEGER PRIMARY KEY, body)";
    database.connect().execute(create.into(), vec![]).await.unwrap();

    // One caller at a time: whatever has been written at the time of an answer is its own.
    let guest = database.connect();
    for v in 0..200 {
        let before = SYNCS.load(SeqCst);
        let sql = if v % 10 == 9 { "BEGIN" } else { "SELECT 1" };
        guest.execute(sql.into(), vec![]).await.unwrap();
        let sql = "INSERT INTO t VALUES (?, randomblob(3000))";
        guest.execute(sql.into(), vec![Value::Integer(v)]).await.unwrap();
        if v % 10 == 9 {
            guest.execute("COMMIT".into(), vec![]).await.unwrap();
        }
        assert!(SYNCS.load(SeqCst) > before, "write {v} was answered without an fsync");
        assert!(SYNCHRONISED.load(SeqCst) >= WRITTEN.load(SeqCst), "write {v} came too early");
    }

    // Many at a time share them.
    let before = SYNCS.load(SeqCst);
    let writes = (1000..2000).map(|v| {
        let guest = database.connect();
        let sql = "INSERT INTO t VALUES (?, NULL)".to_owned();
        async move { guest.execute(sql, vec![Value::Integer(v)]).await }
    });
    assert!(futures::future::join_all(writes).await.iter().all(Result::is_ok));
    assert!(SYNCHRONISED.load(SeqCst) >= WRITTEN.load(SeqCst));
    assert!(SYNCS.load(SeqCst) - before < 500);
}
