use std::time::{Duration, Instant};

use hedgeschool_journal_types::types::{Advance, Batch};
use hedgeschool_replication::timing::PREDECESSOR_WAIT;
use hedgeschool_sql::Error as SqlError;

use crate::advance::{check_sequences, is_due};
use crate::error::Error;
use crate::kinds::{Insertion, Kinds};
use crate::read::ENTRIES_MAX;
use crate::room::check_room;

/// How often it looks whether that is applied.
const PREDECESSOR_POLL: Duration = Duration::from_millis(2);
/// How often a batch is made again because something of it changed meanwhile.
const ATTEMPTS: usize = 20;

/// What became of an insertion.
enum Outcome {
    /// All of it is durable.
    Done,
    /// What it advances is not where it says.
    Moved,
    /// Something that it was made with has changed: it is to be made again.
    Stale,
}

/// Applies a batch.
///
/// # Errors
/// [`Error::Invalid`] and [`Error::Forbidden`] of its entries, [`Error::Moved`] if it does not
/// follow what is applied, and if the database fails, is busy, or full.
pub async fn apply_batch<K: Kinds>(mut batch: Batch) -> Result<(), Error> {
    if batch.entries.len() > ENTRIES_MAX {
        return Err(Error::Invalid(format!("a batch has at most {ENTRIES_MAX} entries")));
    }
    check_sequences(&batch.advance)?;
    if K::IS_LIMITED && !batch.entries.is_empty() {
        check_room(K::DATABASE).await?;
    }
    for _ in 0..ATTEMPTS {
        let insertion = K::make_insertion(&mut batch).await?;
        match insert_in_turn::<K>(&insertion, &batch.advance).await? {
            Outcome::Done => return Ok(()),
            Outcome::Moved => return Err(Error::Moved),
            Outcome::Stale => {}
        }
    }
    Err(Error::Sql(SqlError::Busy))
}

/// Runs an insertion, and again once an earlier batch, which may be underway, is applied.
async fn insert_in_turn<K: Kinds>(
    insertion: &Insertion,
    advance: &Advance,
) -> Result<Outcome, Error> {
    let deadline = Instant::now() + PREDECESSOR_WAIT;
    loop {
        let outcome = outcome_of(K::DATABASE.execute(&insertion.sql, &insertion.parameters).await)?;
        if !matches!(outcome, Outcome::Moved) || !becomes_due::<K>(advance, deadline).await? {
            return Ok(outcome);
        }
    }
}

/// Waits until it is a batch's turn. False: it is not, in time. Reads are cheap; a statement with
/// all entries that is refused in the end is not.
async fn becomes_due<K: Kinds>(advance: &Advance, deadline: Instant) -> Result<bool, Error> {
    while Instant::now() < deadline {
        spin_sdk::time::sleep(PREDECESSOR_POLL).await;
        if is_due(K::DATABASE, advance).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What became of it, by what the schema raised.
fn outcome_of(result: Result<(), SqlError>) -> Result<Outcome, Error> {
    match result {
        Ok(()) => Ok(Outcome::Done),
        Err(error) => match error.raised() {
            Some("moved") => Ok(Outcome::Moved),
            Some("stale") => Ok(Outcome::Stale),
            _ => Err(error.into()),
        },
    }
}
