//! Storing statements: the one write of this component.

use hedgeschool_sql::{Error, Value};
use hedgeschool_xapi::Facts;
use serde_json::json;

use crate::DATABASE;
use crate::types;

/// Most statements in a batch.
pub const BATCH_MAX: usize = 1_000;

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
    /// An id is taken by another statement.
    Conflict,
    /// Entries before the batch are missing.
    Gap,
    /// The database failed.
    Failure(Error),
}

/// Stores a batch, all or nothing: durable when it returns.
pub async fn store(bodies: &[String], origin: Option<&Origin>) -> Result<(), Refusal> {
    let invalid = || Refusal::Failure(Error::Sqlite("a body is not a complete statement".into()));
    let rows: Option<Vec<_>> = bodies.iter().map(|body| row(body)).collect();
    let statements = serde_json::Value::from(rows.ok_or_else(invalid)?).to_string();
    let parameters = [
        Value::Text(statements),
        Value::Integer(now_us()),
        text(origin.map(|origin| origin.peer.as_str())),
        text(origin.map(|origin| origin.epoch.as_str())),
        sequence(origin.map(|origin| origin.after)),
        sequence(origin.map(|origin| origin.through)),
    ];
    let sql = "INSERT INTO store_batch (statements, now_us, peer, epoch, after, through)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    DATABASE.execute(sql, &parameters).await.map_err(refusal)
}

/// The procedure speaks through the text of the error it raises.
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Sqlite(text) if text.contains("hedgeschool: conflict") => Refusal::Conflict,
        Error::Sqlite(text) if text.contains("hedgeschool: gap") => Refusal::Gap,
        other => Refusal::Failure(other),
    }
}

/// A statement's columns, in the order `store_batch` reads them.
fn row(body: &str) -> Option<serde_json::Value> {
    let facts = Facts::of(body)?;
    Some(json!([
        facts.id,
        facts.fingerprint,
        body,
        facts.timestamp_ms,
        facts.agent,
        facts.verb,
        facts.activity,
        facts.registration,
        i64::from(facts.completed),
        i64::from(facts.passed),
        facts.score,
        facts.progress,
        facts.duration_ms,
    ]))
}

fn now_us() -> i64 {
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
            Refusal::Conflict => Self::Conflict(Vec::new()),
            Refusal::Gap => Self::Gap(0),
        }
    }
}
