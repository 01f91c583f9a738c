//! What is in a node's databases, read without the node.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use uuid::Uuid;

/// What the database of statements must not have, and the query that counts it.
const FLAWS: [(&str, &str); 5] = [
    ("ids that are there twice", "SELECT count(*) - count(DISTINCT id) FROM statement NOT INDEXED"),
    (
        "statements and journal entries that are not one to one",
        "WITH journaled AS (SELECT reference FROM journal WHERE kind = 'statement')
        SELECT (SELECT count(*) - count(DISTINCT reference) FROM journaled)
          + (SELECT count(*) FROM (
            SELECT sequence FROM statement EXCEPT SELECT reference FROM journaled))
          + (SELECT count(*) FROM (
            SELECT reference FROM journaled EXCEPT SELECT sequence FROM statement))",
    ),
    (
        "moments of storing that do not grow",
        "SELECT count(*) FROM (SELECT stored_us - lag(stored_us) OVER (ORDER BY sequence) AS later
            FROM statement)
        WHERE later <= 0",
    ),
    (
        "statements that are voided although nothing voids them, or the other way round",
        "SELECT count(*) FROM statement AS target WHERE voided <> (target.voids IS NULL
          AND EXISTS (SELECT 1 FROM statement AS other WHERE other.voids = target.id))",
    ),
    (
        "completions that differ from what the statements add up to",
        "WITH computed AS (
            SELECT agent, activity, max(completed), max(passed), max(score), max(progress),
              sum(coalesce(duration_ms, 0)), count(*), max(timestamp_ms)
            FROM statement WHERE agent IS NOT NULL AND activity IS NOT NULL GROUP BY agent,
              activity),
          kept AS (
            SELECT agent, activity, completed, passed, score, progress, duration_ms, statements,
              updated_ms
            FROM completion)
        SELECT (SELECT count(*) FROM (SELECT * FROM computed EXCEPT SELECT * FROM kept))
          + (SELECT count(*) FROM (SELECT * FROM kept EXCEPT SELECT * FROM computed))",
    ),
];

/// Checks every database in the state folder of a node that does not run, and answers the ids of
/// its statements. Works on a copy: opening a database writes to it.
pub fn statements(state: &Path) -> Result<HashSet<String>> {
    let copy = TempDir::new()?;
    let mut databases = Vec::new();
    for entry in fs::read_dir(state)? {
        let entry = entry?;
        let (name, to) = (entry.file_name(), copy.path().join(entry.file_name()));
        if name.to_string_lossy().contains(".db") {
            fs::copy(entry.path(), &to)?;
        }
        if name.to_string_lossy().ends_with(".db") {
            databases.push(to);
        }
    }
    for database in databases {
        integrity(&database).with_context(|| database.display().to_string())?;
    }
    let progress = Connection::open(copy.path().join("progress.db"))?;
    for (what, query) in FLAWS {
        let count: i64 = progress.query_row(query, (), |row| row.get(0))?;
        ensure!(count == 0, "{count} {what}");
    }
    let mut ids = progress.prepare("SELECT id FROM statement NOT INDEXED")?;
    let ids = ids.query_map((), |row| Ok(Uuid::from_bytes(row.get(0)?).to_string()))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Opens a store's database for reading, beside the node that may be running on it.
pub fn open(state: &Path, store: &str) -> Result<Connection> {
    let path = state.join(format!("{store}.db"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(&path, flags)?;
    database.busy_timeout(Duration::from_secs(5))?;
    Ok(database)
}

/// What SQLite itself can find wrong with a file.
fn integrity(database: &Path) -> Result<()> {
    let database = Connection::open(database)?;
    let verdict: String = database.query_row("PRAGMA integrity_check", (), |row| row.get(0))?;
    ensure!(verdict == "ok", "integrity_check: {verdict}");
    Ok(())
}
