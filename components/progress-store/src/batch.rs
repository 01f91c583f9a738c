//! Storing statements: the one write of this component.

use hedgeschool_sql::{Error, Value};
use hedgeschool_xapi::Facts;
use serde::Serialize;

use crate::DATABASE;
use crate::types;

/// Most statements in a batch.
pub const BATCH_MAX: usize = 1_000;

const DAY_MS: i64 = 86_400_000;

/// Where a batch comes from, if not from a client of this node.
pub struct Origin {
    /// The sending node.
    pub peer: String,
    /// The epoch of its journal.
    pub epoch: String,
    /// The sequence the batch follows.
    pub after: u64,
    /// The sequence the batch ends with.
    pub through: u64,
}

/// What `store_batch` refuses, apart from failures.
pub enum Refusal {
    /// These ids are taken by other statements.
    Conflict(Vec<String>),
    /// Entries before the batch are missing.
    Gap,
    /// The database failed.
    Failure(Error),
}

/// Stores a batch, all or nothing: durable when it returns.
pub async fn store(bodies: &[String], origin: Option<&Origin>) -> Result<(), Refusal> {
    let facts: Option<Vec<_>> = bodies.iter().map(|body| Facts::of(body)).collect();
    let invalid = || Refusal::Failure(Error::Sqlite("a body is not a complete statement".into()));
    let facts = facts.ok_or_else(invalid)?;
    let parameters = [
        json_text(bodies.iter().zip(&facts).map(|(body, facts)| row(body, facts))),
        json_text(facts.iter().flat_map(definitions)),
        json_text(facts.iter().flat_map(|facts| &facts.personas)),
        Value::Integer(now_us()),
        text(origin.map(|origin| origin.peer.as_str())),
        text(origin.map(|origin| origin.epoch.as_str())),
        sequence(origin.map(|origin| origin.after)),
        sequence(origin.map(|origin| origin.through)),
    ];
    let sql =
        "INSERT INTO store_batch (statements, definitions, personas, now_us, peer, epoch, after, through)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    match DATABASE.execute(sql, &parameters).await.map_err(refusal) {
        Err(Refusal::Conflict(_)) => Err(conflict(&facts).await),
        stored => stored,
    }
}

/// The refusal of a batch some of whose ids other statements have.
async fn conflict(facts: &[Facts]) -> Refusal {
    let sent = facts.iter().map(|facts| (&facts.id, &facts.fingerprint));
    let sql = "SELECT statement.id FROM json_each(?1) sent JOIN statement ON statement.id = sent.value ->> 0
        WHERE fingerprint <> sent.value ->> 1";
    let taken = async || {
        let rows = DATABASE.query(sql, &[json_text(sent)]).await?;
        rows.into_iter().map(|mut row| row.take()).collect::<Result<Vec<String>, Error>>()
    };
    taken().await.map_or_else(Refusal::Failure, Refusal::Conflict)
}

/// A JSON array as a parameter.
fn json_text<T: Serialize>(items: impl Iterator<Item = T>) -> Value {
    let items: Vec<T> = items.collect();
    // Tuples of texts and numbers can always be written.
    Value::Text(serde_json::to_string(&items).unwrap_or_default())
}

/// The procedure speaks through the text of the error it raises.
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Sqlite(text) if text.contains("hedgeschool: conflict") => {
            Refusal::Conflict(Vec::new())
        }
        Error::Sqlite(text) if text.contains("hedgeschool: gap") => Refusal::Gap,
        other => Refusal::Failure(other),
    }
}

/// A statement's columns, in the order `store_batch` reads them.
fn row<'a>(body: &'a str, facts: &'a Facts) -> impl Serialize + 'a {
    (
        &facts.id,
        &facts.fingerprint,
        body,
        facts.timestamp_ms,
        &facts.agent,
        &facts.activity,
        i64::from(facts.completed),
        i64::from(facts.passed),
        facts.score,
        facts.progress,
        facts.duration_ms,
        &facts.refers,
        &facts.voids,
        &facts.terms,
    )
}

/// The columns of the definitions that a statement came with.
fn definitions(facts: &Facts) -> impl Iterator<Item = impl Serialize> {
    let day = facts.timestamp_ms.div_euclid(DAY_MS);
    facts.definitions.iter().map(move |found| (&found.activity, found.hash, day, &found.body))
}

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_micros().try_into().unwrap_or(i64::MAX)
}

fn text(value: Option<&str>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// A sequence as a parameter; SQLite's integers end where no sequence will ever be.
pub fn sequence(value: Option<u64>) -> Value {
    value.map_or(Value::Null, |value| Value::Integer(value.try_into().unwrap_or(i64::MAX)))
}

impl From<Refusal> for types::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failure(error) => error.into(),
            Refusal::Conflict(ids) => Self::Conflict(ids),
            Refusal::Gap => Self::Gap(0),
        }
    }
}
