use std::str::from_utf8;

use hedgeschool_xapi::format::{Format, reduce};
use hedgeschool_xapi::{Draft, Facts, Record, Stamp, Version, parse_batch, parse_one};
use serde_json::Value;

use crate::versioned;

const ID: &str = "00000000-0000-4000-8000-000000000000";
const NOW: &str = "2026-01-01T00:00:00.000Z";
const AUTHORITY: &str = r#"{"mbox":"mailto:authority@example.org"}"#;

/// A body of statements, as a client posts it. What is accepted can be completed, is then accepted
/// again as the same statement, has facts, and has every format.
pub fn statement(input: &[u8]) {
    let Some((version, body)) = versioned(input) else { return };
    let Ok(body) = from_utf8(body) else { return };
    let single = parse_one(body, version);
    match parse_batch(body, version) {
        Ok(drafts) => {
            assert!(single.is_err() || drafts.len() == 1, "one of {} statements", drafts.len());
            drafts.into_iter().for_each(|draft| accepted(draft, version));
        }
        Err(error) => {
            assert!(single.is_err(), "accepted alone, refused in a batch: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

fn accepted(draft: Draft, version: Version) {
    let sent = draft.value().clone();
    let record = draft.complete(Stamp { id: ID.into(), now: NOW, authority: AUTHORITY });
    let facts = Facts::of(&record.body).expect("a complete statement has facts");
    let again = parse_one(&record.body, version).expect("a complete statement is valid");
    let again = again.complete(Stamp { id: ID.into(), now: "unused", authority: AUTHORITY });
    assert_eq!(again.id, record.id);
    let facts_again = Facts::of(&again.body).expect("a complete statement has facts");
    assert_eq!(facts_again, facts, "completed twice: {sent}");
    formats(&record);
}

fn formats(record: &Record) {
    let stored: Value = serde_json::from_str(&record.body).expect("a record is JSON");
    for format in [Format::Exact, Format::Ids, Format::Canonical] {
        let mut reduced = stored.clone();
        reduce(&mut reduced, format, &[], &|_| None);
        let mut twice = reduced.clone();
        reduce(&mut twice, format, &[], &|_| None);
        assert_eq!(twice, reduced, "reduced twice to {format:?}");
    }
}
