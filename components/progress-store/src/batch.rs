//! Storing statements: the one write of this component.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use hedgeschool_journal::{Advance, Insertion, advance_json, check_room};
use hedgeschool_sql::{Error, Value};
use hedgeschool_xapi::Facts;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::DATABASE;
use crate::types;

/// Most statements in a batch.
pub const BATCH_MAX: usize = 1_000;

const DAY_MS: i64 = 86_400_000;

/// Where a batch comes from, if not from a client of this node.
#[derive(Clone)]
pub struct Origin {
    /// The sending node.
    pub peer: String,
    /// What moves with the batch.
    pub advance: Advance,
}

/// Something of a peer's batch that is no statement: see `store_batch` in the schema.
pub struct Other {
    pub kind: &'static str,
    pub body: String,
    pub content: Option<Vec<u8>>,
}

/// What `store_batch` refuses, apart from failures.
pub enum Refusal {
    /// These ids are taken by other statements.
    Conflict(Vec<String>),
    /// The database failed.
    Failure(Error),
}

/// Stores statements, all or none: durable when it returns.
pub async fn store(bodies: Vec<String>) -> Result<(), Refusal> {
    check_room(&DATABASE).await.map_err(Refusal::Failure)?;
    let facts = facts(&bodies)?;
    let insertion = insertion(bodies, &facts, Vec::new(), None);
    match DATABASE.execute(&insertion.sql, &insertion.parameters).await.map_err(refusal) {
        Err(Refusal::Conflict(_)) => Err(conflict(&facts).await),
        stored => stored,
    }
}

/// What the database keeps of statements beside their bodies.
pub fn facts(bodies: &[String]) -> Result<Vec<Facts>, Error> {
    let facts: Option<Vec<_>> = bodies.iter().map(|body| Facts::of(body)).collect();
    facts.ok_or_else(|| Error::Sqlite("a body is not a complete statement".into()))
}

/// The statement that stores a batch.
pub fn insertion(
    bodies: Vec<String>,
    facts: &[Facts],
    others: Vec<Other>,
    origin: Option<Origin>,
) -> Insertion {
    let rows = rounded(facts.len());
    let sql = insert(rows, others.len());
    let mut parameters: Vec<Value> = common(facts, origin).into();
    for (body, facts) in bodies.into_iter().zip(facts) {
        parameters.extend(row(body, facts));
    }
    parameters.resize(COMMON + rows * COLUMNS, Value::Null);
    for other in others {
        let content = or_null(other.content, Value::Blob);
        parameters.extend([other.kind.into(), Value::Text(other.body), content]);
    }
    Insertion { sql, parameters }
}

/// For how many statements the SQL is made that stores so many: a few sizes, for which hosts keep
/// it prepared. That took as long as a third of the statements. A row of nulls stores nothing.
fn rounded(statements: usize) -> usize {
    statements.next_multiple_of((statements.next_power_of_two() / 8).max(1))
}

/// How many parameters the rows have in common, and how many each statement has, and each other
/// entry.
const COMMON: usize = 5;
const COLUMNS: usize = 14;
const OTHER_COLUMNS: usize = 3;

/// The insertion into `store_batch` of so many statements and others, after the row that is about
/// all of them.
fn insert(statements: usize, others: usize) -> String {
    let mut sql = String::from(
        "INSERT INTO store_batch (now_us, peer, definitions, personas, text,
          id, fingerprint, body, timestamp_ms, agent, activity, completed, passed, score, progress,
          duration_ms, refers, voids, terms",
    );
    // What is rare must not make what is not longer.
    let (columns, nulls) = if others > 0 { (", kind, content", ",NULL,NULL") } else { ("", "") };
    let _ = write!(sql, "{columns}) VALUES (?1,?2,?3,?4,?5{}{nulls}", ",NULL".repeat(COLUMNS));
    for index in 0..statements {
        sql.push_str("),(?1,?2,NULL,NULL,NULL");
        for column in 1..=COLUMNS {
            // Writing to memory cannot fail.
            let _ = write!(sql, ",?{}", COMMON + index * COLUMNS + column);
        }
        sql.push_str(nulls);
    }
    for index in 0..others {
        let kind = COMMON + statements * COLUMNS + index * OTHER_COLUMNS + 1;
        sql.push_str("),(?1,?2,NULL,NULL,NULL,NULL,NULL");
        let _ = write!(sql, ",?{}{},?{kind},?{}", kind + 1, ",NULL".repeat(COLUMNS - 3), kind + 2);
    }
    sql.push(')');
    sql
}

/// The parameters that the rows share, and those of the row about the whole batch.
fn common(facts: &[Facts], origin: Option<Origin>) -> [Value; COMMON] {
    let (peer, advance) = match origin {
        Some(Origin { peer, advance }) => (Value::Text(peer), advance_json(&advance)),
        None => (Value::Null, Value::Null),
    };
    [
        Value::Integer(now_us()),
        peer,
        // Each is JSON: the crate wrote it.
        json_text(definitions(facts).into_iter().filter_map(|((activity, hash), (day, body))| {
            Some((activity, hash, day, serde_json::from_str::<&RawValue>(body).ok()?))
        })),
        json_text(facts.iter().flat_map(|facts| &facts.personas).collect::<BTreeSet<_>>()),
        advance,
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
fn definitions(facts: &[Facts]) -> BTreeMap<(&str, i64), (i64, &str)> {
    let mut latest = BTreeMap::new();
    for facts in facts {
        let day = facts.timestamp_ms.div_euclid(DAY_MS);
        for found in &facts.definitions {
            let (last, _) = latest
                .entry((found.activity.as_str(), found.hash))
                .or_insert((day, found.body.as_str()));
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

/// What the schema refuses.
fn refusal(error: Error) -> Refusal {
    match error.raised() {
        Some("conflict") => Refusal::Conflict(Vec::new()),
        _ => Refusal::Failure(error),
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

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failure(error)
    }
}

impl From<Refusal> for types::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failure(error) => error.into(),
            Refusal::Conflict(ids) => Self::Conflict(ids),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BATCH_MAX, rounded};

    #[test]
    fn there_are_few_sizes_and_little_is_wasted() {
        let mut sizes: Vec<_> = (0..=BATCH_MAX).map(rounded).collect();
        assert!(
            sizes.iter().zip(0..).all(|(rows, count)| (count..=count + count / 4).contains(rows))
        );
        sizes.dedup();
        assert!(sizes.len() < 40, "{sizes:?}");
    }
}
