//! The SQL that stores a batch: one insertion into `store_batch`, whose triggers do the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use hedgeschool_journal::{Advance, Insertion, advance_json};
use hedgeschool_sql::Value;
use hedgeschool_xapi::Facts;
use serde::Serialize;

use crate::clock::now_us;

const DAY_MS: i64 = 86_400_000;

/// How many parameters the rows have in common, and how many each statement has, and each other
/// entry.
const COMMON: usize = 5;
const COLUMNS: usize = 14;
const OTHER_COLUMNS: usize = 3;

/// Where a batch comes from, if not from a client of this node.
#[derive(Clone)]
pub struct Origin {
    /// The sending node.
    pub peer: String,
    /// What moves with the batch.
    pub advance: Advance,
}

/// Something of a peer's batch that is no statement: see `store_batch` in the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// Its kind.
    pub kind: &'static str,
    /// It as JSON, without its content.
    pub body: String,
    /// Its bytes.
    pub content: Option<Vec<u8>>,
}

/// Statements of a client.
pub struct Statements<'a> {
    /// As JSON.
    pub bodies: &'a [String],
    /// Their facts, in the same order.
    pub facts: &'a [Facts],
}

impl Statements<'_> {
    /// The SQL that stores so many.
    pub fn sql(&self) -> String {
        write_sql(round_up(self.facts.len()), 0)
    }

    /// What it is bound to.
    pub fn parameters(&self, now_us: i64) -> Vec<Value> {
        bind_all(self.bodies.iter().cloned(), self.facts, None, now_us)
    }
}

/// The statement that stores a peer's batch.
pub fn insertion(
    bodies: Vec<String>,
    facts: &[Facts],
    others: Vec<Other>,
    origin: Option<Origin>,
) -> Insertion {
    let sql = write_sql(round_up(facts.len()), others.len());
    let mut parameters = bind_all(bodies.into_iter(), facts, origin, now_us());
    for Other { kind, body, content } in others {
        parameters.extend([kind.into(), Value::Text(body), or_null(content, Value::Blob)]);
    }
    Insertion { sql, parameters }
}

/// For how many statements the SQL is made that stores so many: a few sizes, for which hosts keep
/// it prepared. That took as long as a third of the statements. A row of nulls stores nothing.
fn round_up(statements: usize) -> usize {
    statements.next_multiple_of((statements.next_power_of_two() / 8).max(1))
}

/// The insertion into `store_batch` of so many statements and others, after the row that is about
/// all of them.
fn write_sql(statements: usize, others: usize) -> String {
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

/// The parameters that the rows share, and those of each statement.
fn bind_all(
    bodies: impl Iterator<Item = String>,
    facts: &[Facts],
    origin: Option<Origin>,
    now_us: i64,
) -> Vec<Value> {
    let length = COMMON + round_up(facts.len()) * COLUMNS;
    let mut parameters = Vec::with_capacity(length);
    parameters.extend(bind_common(facts, origin, now_us));
    for (body, facts) in bodies.zip(facts) {
        parameters.extend(bind_statement(body, facts));
    }
    parameters.resize(length, Value::Null);
    parameters
}

/// The parameters that the rows share, and those of the row about the whole batch.
fn bind_common(facts: &[Facts], origin: Option<Origin>, now_us: i64) -> [Value; COMMON] {
    let (peer, advance) = match origin {
        Some(Origin { peer, advance }) => (Value::Text(peer), advance_json(&advance)),
        None => (Value::Null, Value::Null),
    };
    let personas: BTreeSet<_> = facts.iter().flat_map(|facts| &facts.personas).collect();
    [
        Value::Integer(now_us),
        peer,
        Value::Text(write_definitions(facts)),
        json_text(&personas),
        advance,
    ]
}

/// A statement's columns, in the order of [`write_sql`].
fn bind_statement(body: String, facts: &Facts) -> [Value; COLUMNS] {
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

/// The definitions that a batch came with, as JSON: activity, hash, day and definition of each.
/// The last is JSON already, which the crate wrote: it is not read to be written again.
fn write_definitions(facts: &[Facts]) -> String {
    let mut text = String::from("[");
    for ((activity, hash), (day, body)) in last_definitions(facts) {
        let comma = if text.len() > 1 { "," } else { "" };
        let activity = serde_json::Value::from(activity);
        let _ = write!(text, "{comma}[{activity},{hash},{day},{body}]");
    }
    text.push(']');
    text
}

/// The definitions that a batch came with, each once, with the last day of it.
fn last_definitions(facts: &[Facts]) -> BTreeMap<(&str, i64), (i64, &str)> {
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

/// A JSON array as a parameter.
fn json_text(items: &impl Serialize) -> Value {
    // Tuples of texts and numbers can always be written.
    Value::Text(serde_json::to_string(items).unwrap_or_default())
}

fn or_null<T>(value: Option<T>, some: impl Fn(T) -> Value) -> Value {
    value.map_or(Value::Null, some)
}

#[cfg(test)]
#[path = "insertion_tests.rs"]
mod tests;
