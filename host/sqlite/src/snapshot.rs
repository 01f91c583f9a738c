//! Copies of database files, for backups: made while others write, checked, and marked when put
//! back.
//!
//! These functions open a file for themselves. They are for files that no
//! [`Database`](crate::Database) of this process has open.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Error;

/// The `application_id` of a database that came out of a backup, until whose data it is takes
/// note: `hedr`. A component that keeps numbers or names by which others know this copy begins new
/// ones then. In `components/kit/sql` the same number is `RESTORED`.
pub const RESTORED: i32 = 0x6865_6472;

/// Pages that are copied between two reports of progress: 4 MiB.
const STEP_PAGES: i32 = 1024;
/// How long to wait for a lock that another process holds.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long to find out whether anybody has a database open.
const CLAIM_WAIT_MAX: Duration = Duration::from_millis(500);

/// Copies a database as it is at one moment, page by page, while other processes read and write
/// it.
///
/// One read transaction spans the copy: under WAL it keeps nobody waiting, and what others commit
/// meanwhile is not in the copy and does not make it begin again. (Without such a transaction
/// SQLite's backup starts over whenever another process has written.) The file `to` must be empty.
/// `progress` is told how many of how many bytes are copied.
///
/// # Errors
/// [`Error::Open`] if there is no database at `from`; [`Error::Full`] if there is no room.
pub fn copy_database(
    from: &Path,
    to: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), Error> {
    let source = open_quietly(from)?;
    let page_bytes: u64 = source.query_row("PRAGMA page_size", (), |row| row.get(0))?;
    source.execute_batch("PRAGMA query_only=ON; BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    let mut target = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Until it is whole nobody uses the copy: it is synchronised once, by the caller.
    target.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let step = backup.step(STEP_PAGES)?;
        let pages = backup.progress();
        let [all, left] = [pages.pagecount, pages.remaining].map(|n| u64::try_from(n).unwrap_or(0));
        progress(all.saturating_sub(left) * page_bytes, all * page_bytes);
        match step {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => return Err(Error::Busy("another process holds the file".into())),
        }
    }
}

/// Looks through a whole file for anything wrong with it, without writing beside it. Nobody may
/// have it open.
///
/// # Errors
/// What is wrong, or why the file cannot be read.
pub fn check_integrity(file: &Path) -> Result<(), Error> {
    let connection = open_at_rest(file)?;
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(Error::sqlite_error(verdict)) }
}

/// Marks a file as one that came out of a backup: [`RESTORED`], unless it has an `application_id`
/// of its own.
///
/// # Errors
/// Those of writing the file.
pub fn mark_restored(file: &Path) -> Result<(), Error> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let id: i32 = connection.query_row("PRAGMA application_id", (), |row| row.get(0))?;
    if id == 0 {
        connection.execute_batch(&format!("PRAGMA application_id={RESTORED}"))?;
    }
    connection.close().map_err(|(_, error)| error.into())
}

/// Whether another process has a database open. One that has not run a statement yet does not
/// count.
pub fn is_in_use(file: &Path) -> bool {
    let claim = || {
        let connection = open_quietly(file)?;
        connection.busy_timeout(CLAIM_WAIT_MAX)?;
        // A WAL database that is open anywhere is locked for sharing.
        connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK;")
    };
    let is_held = |code| matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked);
    // A file that is no database, or damaged, is used by nobody.
    matches!(claim(), Err(error) if error.sqlite_error_code().is_some_and(is_held))
}

/// Opens a file so that closing it does nothing to it.
fn open_quietly(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    keep_untouched(&connection)?;
    Ok(connection)
}

/// Has a connection wait for others, and leave the log as it is when it is closed.
pub(crate) fn keep_untouched(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// Opens a file that nobody writes, and that has nothing in a WAL, to read it.
pub(crate) fn open_at_rest(file: &Path) -> Result<Connection, Error> {
    // Immutable: SQLite looks for no WAL, and needs no right to write.
    let mut uri = OsString::from("file:");
    uri.push(escape_uri_path(file));
    uri.push("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Ok(Connection::open_with_flags(uri, flags)?)
}

/// A file that SQLite keeps beside a database.
pub(crate) fn path_beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(ending);
    name.into()
}

/// A path as part of a URI.
fn escape_uri_path(path: &Path) -> OsString {
    let mut escaped = Vec::with_capacity(path.as_os_str().len());
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => escaped.extend(format!("%{byte:02x}").bytes()),
            byte => escaped.push(*byte),
        }
    }
    OsString::from_vec(escaped)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    fn database(folder: &Path) -> Connection {
        let connection = Connection::open(folder.join("a?b.db")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1);")
            .unwrap();
        connection
    }

    #[test]
    fn a_copy_is_of_one_moment_and_of_the_same_kind() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a?b.db"), folder.path().join("copy#1.db"));
        let writer = database(folder.path());
        File::create_new(&to).unwrap();
        writer
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9)
            INSERT INTO t SELECT zeroblob(1000000) FROM n",
            )
            .unwrap();
        let mut reports = 0;
        copy_database(&from, &to, |done, all| {
            reports += 1;
            assert!(done <= all && all > 9_000_000);
            // What others write meanwhile is no part of it.
            writer.execute_batch("DELETE FROM t WHERE x = 1; INSERT INTO t VALUES (2)").unwrap();
        })
        .unwrap();
        assert!(reports > 1);
        check_integrity(&to).unwrap();
        let copied = Connection::open(&to).unwrap();
        let ones = "SELECT count(*), sum(x = 1), sum(x = 2) FROM t";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        assert_eq!(copied.query_row(ones, (), row).unwrap(), (10, 1, 0));
        let mode: String = copied.query_row("PRAGMA journal_mode", (), |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn damage_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b.db");
        database(folder.path()).close().unwrap();
        check_integrity(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[4096] ^= 0xff;
        bytes[last] ^= 0xff;
        fs::write(&path, bytes).unwrap();
        assert!(check_integrity(&path).is_err());
        fs::write(&path, "no database at all, but a text of some length, which is no header")
            .unwrap();
        assert!(check_integrity(&path).is_err());
    }

    #[test]
    fn whoever_has_it_open_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b.db");
        let open = database(folder.path());
        assert!(is_in_use(&path));
        open.close().unwrap();
        assert!(!is_in_use(&path));
        mark_restored(&path).unwrap();
        let id = |connection: Connection| -> i32 {
            connection.query_row("PRAGMA application_id", (), |row| row.get(0)).unwrap()
        };
        assert_eq!(id(Connection::open(&path).unwrap()), RESTORED);
        assert!(!path.with_extension("db-wal").exists());
        Connection::open(&path).unwrap().execute_batch("PRAGMA application_id=7").unwrap();
        mark_restored(&path).unwrap();
        assert_eq!(id(Connection::open(&path).unwrap()), 7);
    }
}
