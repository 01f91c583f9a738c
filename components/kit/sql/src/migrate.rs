//! Bringing a database to the schema its component knows, and past having been restored.

use spin_sdk::sqlite::wit::sqlite::Connection;

use crate::database::Database;
use crate::error::Error;
use crate::retry;
use crate::statement::run_statement;

/// The `application_id` that `hedge restore` gives a database: `hedr`. In `host/sqlite` the same
/// number is `snapshot::RESTORED`.
const RESTORED: i64 = 0x6865_6472;

/// What there is to do before a database can be used.
struct State {
    /// The schema version in the file; 0 for a new one.
    version: usize,
    /// It came out of a backup, and nobody has taken note.
    is_restored: bool,
}

/// Prepares a fresh connection: pragmas of the connection and of the file, then missing migrations
/// and, if the database came out of a backup, the script for that.
///
/// No one else uses the connection yet, so a transaction over several calls is safe on it.
pub async fn to_current(connection: &Connection, database: &Database) -> Result<(), Error> {
    let migrations = database.migrations;
    leave_waiting_to_us(connection)?;
    retry::while_busy(async || {
        let State { version: found, is_restored } = read_state(connection)?;
        if found > migrations.len() {
            let (label, known) = (database.label, migrations.len());
            return Err(Error::NewerSchema { label, found, known });
        }
        if found == 0 {
            for statement in database.new_file {
                run_statement(connection, statement, &[])?;
            }
        }
        if found < migrations.len() || is_restored {
            write_ahead(connection)?;
            apply_missing(connection, migrations, database.restored)?;
        }
        Ok(())
    })
    .await
}

/// Waiting for a busy database inside the host would hold a thread of it, and the instance:
/// `retry` waits instead.
pub fn leave_waiting_to_us(connection: &Connection) -> Result<(), Error> {
    run_statement(connection, "PRAGMA busy_timeout = 0", &[]).map(drop)
}

fn read_state(connection: &Connection) -> Result<State, Error> {
    let sql = "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id";
    let rows = run_statement(connection, sql, &[])?;
    let (version, application): (u64, i64) = match rows.into_iter().next() {
        Some(mut row) => (row.take()?, row.take()?),
        None => (0, 0),
    };
    let version = version.try_into().unwrap_or(usize::MAX);
    Ok(State { version, is_restored: application == RESTORED })
}

/// Switches the file to a write-ahead log: readers no longer block the writer, and a commit is one
/// fsync. `synchronous` is FULL by default, which makes every commit durable.
fn write_ahead(connection: &Connection) -> Result<(), Error> {
    run_statement(connection, "PRAGMA journal_mode = WAL", &[]).map(drop)
}

/// Runs the scripts the file lacks, all in one transaction. Another instance may have come first,
/// so its state is read again under the lock.
fn apply_missing(
    connection: &Connection,
    migrations: &[&str],
    restored: &str,
) -> Result<(), Error> {
    run_statement(connection, "BEGIN IMMEDIATE", &[])?;
    let applied = apply_under_lock(connection, migrations, restored);
    let end = if applied.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = run_statement(connection, end, &[]);
    applied?;
    ended.map(drop)
}

fn apply_under_lock(
    connection: &Connection,
    migrations: &[&str],
    restored: &str,
) -> Result<(), Error> {
    let State { version: found, is_restored } = read_state(connection)?;
    for script in migrations.iter().skip(found) {
        run_script(connection, script)?;
    }
    let set_version = format!("PRAGMA user_version = {}", migrations.len().max(found));
    run_statement(connection, &set_version, &[])?;
    if is_restored {
        run_script(connection, restored)?;
        run_statement(connection, "PRAGMA application_id = 0", &[])?;
    }
    Ok(())
}

fn run_script(connection: &Connection, script: &str) -> Result<(), Error> {
    for statement in split_statements(script) {
        run_statement(connection, &statement, &[])?;
    }
    Ok(())
}

/// The statements of a script, which a blank line separates, without their comment lines.
fn split_statements(script: &str) -> impl Iterator<Item = String> {
    let is_code = |line: &&str| !line.trim_start().starts_with("--");
    let code = move |part: &str| part.lines().filter(is_code).collect::<Vec<_>>().join("\n");
    script.split("\n\n").map(code).filter(|statement| !statement.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::split_statements;

    #[test]
    fn a_blank_line_separates_statements() {
        let script = "-- about the file\n\n-- a; b\nCREATE TABLE a (x);\n\n\nCREATE TABLE b (\n  -- y\n  y\n);\n";
        let found: Vec<_> = split_statements(script).collect();
        assert_eq!(found, ["CREATE TABLE a (x);", "\nCREATE TABLE b (\n  y\n);"]);
    }
}
