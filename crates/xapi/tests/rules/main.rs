//! The rules of statements, one by one, from the standard's text: what is accepted, what is
//! refused, and at which property and by which section.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod activity;
mod actor;
mod attachment;
mod comparison;
mod context;
mod data_types;
mod result;
mod statement;
mod sub_statement;
mod version;

use hedgeschool_xapi::{Error, Version, Violation, parse_batch};
use serde_json::{Value, json};

const BOTH: [Version; 2] = [Version::V1_0, Version::V2_0];

fn valid() -> Value {
    json!({
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/course"},
    })
}

/// A statement with the value at a JSON pointer set; what is missing on the way is made.
fn set(mut statement: Value, pointer: &str, value: Value) -> Value {
    let mut place = &mut statement;
    for step in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        place = &mut place[step];
    }
    *place = value;
    statement
}

/// The valid statement with the value at a JSON pointer set.
fn with(pointer: &str, value: Value) -> Value {
    set(valid(), pointer, value)
}

fn check(statement: &Value, version: Version) -> Result<(), Violation> {
    match parse_batch(&statement.to_string(), version) {
        Ok(_) => Ok(()),
        Err(Error::Invalid { index: 0, violation }) => Err(violation),
        Err(other) => panic!("{statement}: {other}"),
    }
}

#[track_caller]
fn accepted(statement: &Value) {
    for version in BOTH {
        if let Err(violation) = check(statement, version) {
            panic!("{statement}: {violation} ({version:?})");
        }
    }
}

#[track_caller]
fn refused(statement: &Value, path: &str, section: &str) {
    for version in BOTH {
        match check(statement, version) {
            Ok(()) => panic!("{statement}: accepted ({version:?})"),
            Err(at) => assert_eq!((&*at.path, at.section), (path, section), "{statement}: {at}"),
        }
    }
}

/// Statements that have these values at a JSON pointer are accepted.
#[track_caller]
fn accepts(pointer: &str, values: impl IntoIterator<Item = Value>) {
    for value in values {
        accepted(&with(pointer, value));
    }
}

/// Statements that have these values at a JSON pointer are refused, for the property there.
#[track_caller]
fn refuses(pointer: &str, section: &str, values: impl IntoIterator<Item = Value>) {
    let path = pointer.trim_start_matches('/').replace('/', ".");
    for value in values {
        refused(&with(pointer, value), &path, section);
    }
}

/// Values of every type of JSON but one.
fn not_a(kind: &str) -> Vec<Value> {
    let kinds = [
        ("boolean", json!(true)),
        ("number", json!(7)),
        ("string", json!("7 \u{0} text")),
        ("array", json!([[]])),
        ("object", json!({"key": "value"})),
    ];
    kinds.into_iter().filter(|(name, _)| *name != kind).map(|(_, value)| value).collect()
}
