//! Bringing a database to the schema its component knows.

use spin_sdk::sqlite::Connection;

use crate::{Error, retry, run};

/// Prepares a fresh connection: pragmas of the connection and of the file, then missing migrations.
///
/// No one else uses the connection yet, so a transaction over several calls is safe on it.
pub async fn to_current(connection: &Connection, migrations: &[&str]) -> Result<(), Error> {
    // Waiting inside the host would hold a thread of it: `retry` waits instead.
    run(connection, "PRAGMA busy_timeout = 0", &[]).await?;
    retry::while_busy(async || {
        let found = version(connection).await?;
        if found > migrations.len() {
            return Err(Error::NewerSchema { found, known: migrations.len() });
        }
        if found < migrations.len() {
            write_ahead(connection).await?;
            apply_missing(connection, migrations).await?;
        }
        Ok(())
    })
    .await
}

/// The schema version in the file; 0 for a new one.
async fn version(connection: &Connection) -> Result<usize, Error> {
    let rows = run(connection, "SELECT user_version FROM pragma_user_version", &[]).await?;
    let version: u64 = match rows.into_iter().next() {
        Some(mut row) => row.take()?,
        None => 0,
    };
    Ok(version.try_into().unwrap_or(usize::MAX))
}

/// Switches the file to a write-ahead log: readers no longer block the writer, and a commit is one
/// fsync. `synchronous` is FULL by default, which makes every commit durable.
async fn write_ahead(connection: &Connection) -> Result<(), Error> {
    run(connection, "PRAGMA journal_mode = WAL", &[]).await.map(drop)
}

/// Runs the migrations the file lacks, all in one transaction. Another instance may have come first, so
/// the version is read again under the lock.
async fn apply_missing(connection: &Connection, migrations: &[&str]) -> Result<(), Error> {
    run(connection, "BEGIN IMMEDIATE", &[]).await?;
    let applied = apply_under_lock(connection, migrations).await;
    let end = if applied.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = run(connection, end, &[]).await;
    applied?;
    ended.map(drop)
}

async fn apply_under_lock(connection: &Connection, migrations: &[&str]) -> Result<(), Error> {
    let found = version(connection).await?;
    for script in migrations.iter().skip(found) {
        for statement in statements(script) {
            run(connection, &statement, &[]).await?;
        }
    }
    let set_version = format!("PRAGMA user_version = {}", migrations.len().max(found));
    run(connection, &set_version, &[]).await.map(drop)
}

/// The statements of a script, which a blank line separates, without their comment lines.
fn statements(script: &str) -> impl Iterator<Item = String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("--");
    let code = move |part: &str| part.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    script.split("\n\n").map(code).filter(|statement| !statement.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn a_blank_line_separates_statements() {
        let script = "-- about the file\n\n-- a; b\nCREATE TABLE a (x);\n\n\nCREATE TABLE b (\n  -- y\n  y\n);\n";
        let found: Vec<_> = statements(script).collect();
        assert_eq!(found, ["CREATE TABLE a (x);", "\nCREATE TABLE b (\n  y\n);"]);
    }
}
