//! A read-only probe of a database file: it changes neither the file, nor what lies beside it, nor
//! what whoever has it open may do.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Error;
use crate::snapshot::{keep_untouched, open_at_rest, path_beside};

/// Where a file says how it is written and read (SQLite's file format, 1.3), and what a file with
/// a write-ahead log says.
const FORMAT_VERSIONS: std::ops::Range<usize> = 18..20;
const WITH_WAL: [u8; 2] = [2, 2];
/// How many steps of SQLite's machine pass before the clock is asked again.
const STEPS_PER_CLOCK_CHECK: i32 = 10_000;

/// What a database file shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Whether it has a write-ahead log.
    pub has_wal: bool,
    /// Bytes of that log.
    pub wal_bytes: u64,
    /// `user_version`: the version of its schema.
    pub version: u64,
    /// `application_id`.
    pub application: i32,
    /// What is wrong with its pages. None: nothing.
    pub damage: Option<String>,
    /// Whether all pages were looked at in the time there was.
    pub is_complete: bool,
}

/// Probes a file, for so long at most. `is_open`: another process works with it.
///
/// # Errors
/// When it cannot be opened, or is no database; [`Error::Busy`] if it is being written by somebody
/// who keeps others out.
pub fn inspect_file(file: &Path, is_open: bool, time_max: Duration) -> Result<Inspection, Error> {
    let wal_bytes = fs::metadata(path_beside(file, "-wal")).map_or(0, |wal| wal.len());
    let connection = open_for_probe(file, is_open, wal_bytes)?;
    let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version")?;
    let application = number("PRAGMA application_id")?;
    // None: so far away that it is never reached.
    let deadline = Instant::now().checked_add(time_max);
    let is_late = move || deadline.is_some_and(|deadline| Instant::now() > deadline);
    connection.progress_handler(STEPS_PER_CLOCK_CHECK, Some(is_late));
    let verdict = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0));
    let (damage, is_complete) = match verdict {
        Ok(verdict) => ((verdict != "ok").then_some(verdict), true),
        Err(error) if is_over(&error) => (None, false),
        Err(error) if is_damage(&error) => (Some(error.to_string()), true),
        Err(error) => return Err(error.into()),
    };
    Ok(Inspection {
        has_wal: has_wal(file)?,
        wal_bytes,
        version: version.try_into().unwrap_or(u64::MAX),
        application: application as i32,
        damage,
        is_complete,
    })
}

/// Opens it by the way that leaves no trace.
fn open_for_probe(file: &Path, is_open: bool, wal_bytes: u64) -> Result<Connection, Error> {
    if wal_bytes == 0 {
        return open_at_rest(file);
    }
    // Where somebody has it open there is an index of the log, which is shared. Where a process was
    // killed there may be an old one, or none: it is not made, nor mended, for whoever comes next.
    if is_open && fs::metadata(path_beside(file, "-shm")).is_ok() {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        keep_untouched(&connection)?;
        return Ok(connection);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    keep_untouched(&connection)?;
    // Exclusive: the index is then in this process's own memory.
    connection.execute_batch("PRAGMA locking_mode=EXCLUSIVE; PRAGMA query_only=ON;")?;
    Ok(connection)
}

fn has_wal(file: &Path) -> Result<bool, Error> {
    let mut header = Vec::with_capacity(FORMAT_VERSIONS.end);
    let read = File::open(file)
        .and_then(|file| file.take(FORMAT_VERSIONS.end as u64).read_to_end(&mut header));
    let failed = |error: std::io::Error| Error::Open {
        path: file.display().to_string(),
        reason: error.to_string(),
    };
    read.map_err(failed)?;
    Ok(header.get(FORMAT_VERSIONS) == Some(&WITH_WAL))
}

fn is_over(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

fn is_damage(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// A folder's files: their bytes, and when they were changed.
    fn state(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let changed = entry.metadata().unwrap().modified().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, (fs::read(entry.path()).unwrap(), changed))
        });
        files.collect()
    }

    fn database(folder: &Path) -> Connection {
        let connection = Connection::open(folder.join("a.db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA user_version=3; PRAGMA application_id=7;
                CREATE TABLE t (x); INSERT INTO t VALUES (1);",
            )
            .unwrap();
        connection
    }

    #[test]
    fn a_probe_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let expected = |wal_bytes| Inspection {
            has_wal: true,
            wal_bytes,
            version: 3,
            application: 7,
            damage: None,
            is_complete: true,
        };
        let open = database(folder.path());
        let names = |state: BTreeMap<String, _>| state.into_keys().collect::<Vec<_>>();
        let before = state(folder.path());
        let seen = inspect_file(&file, true, LONG).unwrap();
        assert_eq!(seen, expected(before["a.db-wal"].0.len() as u64));
        let after = state(folder.path());
        assert_eq!(before["a.db"], after["a.db"]);
        assert_eq!(before["a.db-wal"], after["a.db-wal"]);
        assert_eq!(names(before), names(after));

        // As a process that was killed leaves it.
        let killed = tempfile::tempdir().unwrap();
        for name in ["a.db", "a.db-wal"] {
            fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
        }
        let before = state(killed.path());
        assert_eq!(inspect_file(&killed.path().join("a.db"), false, LONG).unwrap(), seen);
        assert_eq!(state(killed.path()), before);

        open.close().unwrap();
        let before = state(folder.path());
        assert_eq!(inspect_file(&file, false, LONG).unwrap(), expected(0));
        assert_eq!(state(folder.path()), before);
    }

    #[test]
    fn damage_is_told_and_time_is_limited() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let open = database(folder.path());
        open.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 50000)
            INSERT INTO t SELECT randomblob(20) FROM n",
        )
        .unwrap();
        open.close().unwrap();
        assert!(!inspect_file(&file, false, Duration::ZERO).unwrap().is_complete);
        let mut bytes = fs::read(&file).unwrap();
        bytes[4096] ^= 0xff;
        fs::write(&file, bytes).unwrap();
        assert!(inspect_file(&file, false, LONG).unwrap().damage.is_some());
        fs::write(&file, "a text that is long enough to be looked at as if it were a header")
            .unwrap();
        assert!(inspect_file(&file, false, LONG).is_err());
    }
}
