//! What a database is made with, whatever the umask. A test program of its own: the umask is the
//! process's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hedge_sqlite::Database;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Makes a database in a folder that has to be made, and answers the modes of that, of the
/// database, of its log and of the log's index.
async fn modes_in(parent: &Path) -> [u32; 4] {
    let folder = parent.join("state");
    let path = folder.join("a.db");
    let database = Database::open(&path).unwrap();
    let guest = database.connect();
    guest.execute("CREATE TABLE t (x)".into(), vec![]).await.unwrap();
    let modes = [
        mode(&folder),
        mode(&path),
        mode(&folder.join("a.db-wal")),
        mode(&folder.join("a.db-shm")),
    ];
    database.close().await;
    modes
}

#[tokio::test]
async fn nobody_else_may_read_what_is_made() {
    // SAFETY: it changes one number of the process, which no other test here depends on.
    unsafe { libc::umask(0) };
    let parent = tempfile::tempdir().unwrap();
    assert_eq!(modes_in(parent.path()).await, [0o700, 0o600, 0o600, 0o600]);

    // A volume that is shared with the group of its pods.
    let volume = tempfile::tempdir().unwrap();
    fs::set_permissions(volume.path(), Permissions::from_mode(0o2775)).unwrap();
    assert_eq!(modes_in(volume.path()).await, [0o2770, 0o660, 0o660, 0o660]);
}

#[tokio::test]
async fn what_is_there_keeps_its_mode() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.db"), "").unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(folder.join("a.db"), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(modes_in(parent.path()).await, [0o750, 0o640, 0o640, 0o640]);
}
