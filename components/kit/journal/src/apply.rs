use std::time::{Duration, Instant};

use hedgeschool_sql::{Error as SqlError, Value};

use crate::{ENTRIES_MAX, Entry, Error, Kinds, check_room, note};

/// How long a batch waits for one that was sent before it.
const WAIT: Duration = Duration::from_secs(2);
/// How often it looks.
const PAUSE: Duration = Duration::from_millis(2);
/// How often a batch is made again because something of it changed meanwhile.
const ATTEMPTS: usize = 20;

/// Another node's entries.
pub struct Batch {
    /// The node they come from.
    pub peer: String,
    /// The nodes whose own data it may change. None: any.
    pub scope: Option<Vec<String>>,
    /// The note that says how far its journal is applied.
    pub note: String,
    /// What it must say before.
    pub before: Option<String>,
    /// What it says afterwards.
    pub after: String,
    /// The entries.
    pub entries: Vec<Entry>,
}

/// The one statement that applies a batch.
pub struct Insertion {
    /// Inserts into a view of the store, whose trigger inserts into `moving`.
    pub sql: String,
    /// Its parameters.
    pub parameters: Vec<Value>,
}

/// What became of an insertion.
pub enum Outcome {
    /// All of it is durable.
    Done,
    /// The note says something else.
    Moved,
    /// Something that the insertion was made with has changed: it is to be made again.
    Stale,
}

/// Applies a batch.
pub async fn apply<K: Kinds>(mut batch: Batch) -> Result<(), Error> {
    if batch.entries.len() > ENTRIES_MAX {
        return Err(Error::Invalid(format!("a batch has at most {ENTRIES_MAX} entries")));
    }
    if K::IS_LIMITED && !batch.entries.is_empty() {
        check_room(K::DATABASE).await?;
    }
    for _ in 0..ATTEMPTS {
        let insertion = K::insertion(&mut batch).await?;
        match patiently::<K>(&insertion).await? {
            Outcome::Done => return Ok(()),
            Outcome::Moved => return Err(Error::Moved(note(K::DATABASE, batch.note).await?)),
            Outcome::Stale => {}
        }
    }
    Err(Error::Sql(SqlError::Busy))
}

/// Runs an insertion, and again while an earlier batch is underway.
async fn patiently<K: Kinds>(insertion: &Insertion) -> Result<Outcome, Error> {
    let start = Instant::now();
    loop {
        match outcome(K::DATABASE.execute(&insertion.sql, &insertion.parameters).await)? {
            Outcome::Moved if start.elapsed() < WAIT => spin_sdk::time::sleep(PAUSE).await,
            outcome => return Ok(outcome),
        }
    }
}

/// Procedures speak through the text of the error they raise.
fn outcome(result: Result<(), SqlError>) -> Result<Outcome, Error> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(SqlError::Sqlite(text)) if text.contains("hedgeschool: moved") => Ok(Outcome::Moved),
        Err(SqlError::Sqlite(text)) if text.contains("hedgeschool: stale") => Ok(Outcome::Stale),
        Err(error) => Err(error.into()),
    }
}
