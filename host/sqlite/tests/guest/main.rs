//! What guests see of a database, through the public interface alone.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use hedge_sqlite::{Connection, Database, Error, Rows, Value};
use tempfile::TempDir;

mod basics;
mod coalescing;
mod durability;
mod equivalence;
mod refusals;
mod time;
mod transactions;

/// Runs a statement without parameters.
async fn run(guest: &Connection, sql: &str) -> Result<Rows, Error> {
    guest.execute(sql.into(), vec![]).await
}

/// The one number that a query returns.
async fn read_number(guest: &Connection, sql: &str) -> i64 {
    match run(guest, sql).await.unwrap().rows[0][0] {
        Value::Integer(number) => number,
        ref other => panic!("no number: {other:?}"),
    }
}

/// A database in a folder that has to be made.
fn open(folder: &TempDir) -> Database {
    Database::open(&folder.path().join("deep/er/test.db")).unwrap()
}
