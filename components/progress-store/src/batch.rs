//! Storing statements: the one write of this component.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use hedgeschool_sql::{Error, Value};
use hedgeschool_xapi::Facts;
use serde::Serialize;
use uuid::Uuid;

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
pub async fn store(bodies: Vec<String>, origin: Option<Origin>) -> Result<(), Refusal> {
    let facts: Option<Vec<_>> = bodies.iter().map(|body| Facts::of(body)).collect();
    let invalid = || Refusal::Failure(Error::Sqlite("a body is not a complete statement".into()));
    let facts = facts.ok_or_else(invalid)?;
    let sql = insert(facts.len());
    let mut parameters: Vec<Value> = common(&facts, origin).into();
    for (body, facts) in bodies.into_iter().zip(&facts) {
        parameters.extend(row(body, facts));
    }
    match DATABASE.execute(&sql, &parameters).await.map_err(refusal) {
        Err(Refusal::Conflict(_)) => Err(conflict(&facts).await),
        stored => stored,
    }
}

/// How many parameters the rows have in common, and how many each statement has.
const COMMON: usize = 7;
const COLUMNS: usize = 14;

/// The insertion into `store_batch` of so many statements, after the row that is about all of them.
fn insert(statements: usize) -> String {
    let mut sql = String::from(
        "INSERT INTO store_batch (now_us, peer, definitions, personas, epoch, after, through,
          id, fingerprint, body, timestamp_ms, agent, activity, completed, passed, score, progress,
          duration_ms, refers, voids, terms) VALUES (?1,?2,?3,?4,?5,?6,?7",
    );
    sql.push_str(&",NULL".repeat(COLUMNS));
    for index in 0..statements {
        sql.push_str("),(?1,?2,NULL,NULL,NULL,NULL,NULL");
        for column in 1..=COLUMNS {
            // Writing to memory cannot fail.
            let _ = write!(sql, ",?{}", COMMON + index * COLUMNS + column);
        }
    }
    sql.push(')');
    sql
}

/// The parameters that the rows share, and those of the row about the whole batch.
fn common(facts: &[Facts], origin: Option<Origin>) -> [Value; COMMON] {
    let (after, through) = origin.as_ref().map(|origin| (origin.after, origin.through)).unzip();
    let (peer, epoch) = origin.map(|origin| (origin.peer, origin.epoch)).unzip();
    [
        Value::Integer(now_us()),
        or_null(peer, Value::Text),
        json_text(
            definitions(facts)
                .iter()
                .map(|((activity, hash), (day, body))| (activity, hash, day, body)),
        ),
        json_text(facts.iter().flat_map(|facts| &facts.personas).collect::<BTreeSet<_>>()),
        or_null(epoch, Value::Text),
        sequence(after),
        sequence(through),
    ]
}

/// A statement's columns, in the order of [`insert`].
fn row(body: String, facts: &Facts) -> [Value; COLUMNS] {
    let id = |id: [u8; 16]| Value::Blob(id.into());
    [
        id(facts.id),
        id(facts.fingerprint),
        Value::Text(body),
        Value::Integer(facts.timestamp_ms),
        or_null(facts.agent.clone(), Value::Text),
        or_null(facts.activity.clone(), Value::Text),
        Value::Integer(facts.completed.into()),
        Value::Integer(facts.passed.into()),
        or_null(facts.score, Value::Real),
        or_null(facts.progress.map(i64::from), Value::Integer),
        or_null(facts.duration_ms, Value::Integer),
        or_null(facts.refers, id),
        or_null(facts.voids, id),
        json_text(&facts.terms),
    ]
}

/// The definitions that a batch came with, each once, with the last day of it.
fn definitions(facts: &[Facts]) -> BTreeMap<(&str, i64), (i64, &serde_json::Value)> {
    let mut latest = BTreeMap::new();
    for facts in facts {
        let day = facts.timestamp_ms.div_euclid(DAY_MS);
        for found in &facts.definitions {
            let (last, _) =
                latest.entry((found.activity.as_str(), found.hash)).or_insert((day, &found.body));
            *last = day.max(*last);
        }
    }
    latest
}

/// The refusal of a batch some of whose ids other statements have.
async fn conflict(facts: &[Facts]) -> Refusal {
    let sql = "SELECT fingerprint FROM statement WHERE id = ?1";
    let mut taken = Vec::new();
    for Facts { id, fingerprint, .. } in facts {
        match DATABASE.query_one(sql, &[Value::Blob(id.to_vec())]).await {
            Err(error) => return Refusal::Failure(error),
            Ok(None) => {}
            Ok(Some(mut row)) => match row.take::<Vec<u8>>() {
                Ok(stored) if stored == fingerprint => {}
                Ok(_) => taken.push(Uuid::from_bytes(*id).to_string()),
                Err(error) => return Refusal::Failure(error),
            },
        }
    }
    Refusal::Conflict(taken)
}

/// A JSON array as a parameter.
fn json_text<T: Serialize>(items: impl IntoIterator<Item = T>) -> Value {
    let items: Vec<T> = items.into_iter().collect();
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

/// Microseconds since 1970.
pub fn now_us() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_micros().try_into().unwrap_or(i64::MAX)
}

fn or_null<T>(value: Option<T>, some: impl Fn(T) -> Value) -> Value {
    value.map_or(Value::Null, some)
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
