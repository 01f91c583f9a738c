//! Each message as it is on the wire: what other releases, and other implementations, read.
//!
//! A text here changes only with the protocol (`docs/replication.md`, *Versions*).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::wire::{
    Applied, AttachmentRequest, Batch, BlobsRequest, Bookmark, Cursor, Entry, Feed, FeedPage,
    Health, Piece, Pull, Pulled, Record, RecordRequest,
};
use hedgeschool_replication::{Checkpoint, Lane, Position, Protocol, Span, Version, VersionVector};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A message is written as this text, and the text is read as that message. The text's lines are
/// one, without what they begin with.
fn check_message<M: Serialize + DeserializeOwned>(message: &M, lines: &str) {
    let text: String = lines.lines().map(str::trim_start).collect();
    assert_eq!(serde_json::to_string(message).unwrap(), text);
    let read: M = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

fn checkpoint(sequence: u64, token: &str) -> Checkpoint {
    Checkpoint { sequence, token: token.to_owned() }
}

fn position() -> Position {
    let fresh = Span { after: 9, through: checkpoint(12, "b") };
    Position { through: checkpoint(4, "a"), fresh: Some(fresh) }
}

const POSITION: &str = r#"{"through":{"sequence":4,"receipt":"a"},
    "fresh":{"after":9,"through":{"sequence":12,"receipt":"b"}}}"#;

fn bookmark() -> Bookmark {
    Bookmark { epoch: "e".to_owned(), through: 7, token: "c".to_owned() }
}

const BOOKMARK: &str = r#"{"epoch":"e","through":7,"receipt":"c"}"#;

fn cursor() -> Cursor {
    Cursor {
        epoch: "mine".to_owned(),
        feed: Some(bookmark()),
        heard: vec![bookmark()],
        held: Some(checkpoint(4, "a")),
        follows: 2,
    }
}

fn cursor_text() -> String {
    format!(
        r#"{{"epoch":"mine","feed":{BOOKMARK},"heard":[{BOOKMARK}],
            "held":{{"sequence":4,"receipt":"a"}},"follows":2}}"#
    )
}

fn entry() -> Entry {
    let payload = RawValue::from_string(r#"{ "a" : 1.50 }"#.to_owned()).unwrap();
    Entry { sequence: 5, kind: "statement".to_owned(), payload }
}

const ENTRY: &str = r#"{"sequence":5,"kind":"statement","payload":{ "a" : 1.50 }}"#;

#[test]
fn a_batch() {
    let batch = Batch {
        node: "edge".to_owned(),
        journal: "progress".to_owned(),
        epoch: "mine".to_owned(),
        before: position(),
        lane: Lane::Fresh,
        after: 4,
        above: Some("theirs".to_owned()),
        heard: vec![bookmark()],
        token: "d".to_owned(),
        entries: vec![entry()],
    };
    let text = format!(
        r#"{{"node":"edge","journal":"progress","epoch":"mine",
            "before":{POSITION},"lane":"fresh","after":4,"above":"theirs","heard":[{BOOKMARK}],
            "receipt":"d","entries":[{ENTRY}]}}"#
    );
    check_message(&batch, &text);
    let bare = Batch { above: None, heard: Vec::new(), lane: Lane::Backlog, ..batch };
    let text = format!(
        r#"{{"node":"edge","journal":"progress","epoch":"mine",
            "before":{POSITION},"lane":"backlog","after":4,"receipt":"d","entries":[{ENTRY}]}}"#
    );
    check_message(&bare, &text);
}

#[test]
fn how_far_a_journal_is_applied() {
    check_message(&Applied { position: position() }, &format!(r#"{{"position":{POSITION}}}"#));
    let beginning = Applied { position: Position::default() };
    check_message(&beginning, r#"{"position":{"through":{"sequence":0,"receipt":""}}}"#);
}

#[test]
fn a_pull() {
    let health = Health {
        queue: 1,
        queue_age_s: 2,
        conflicts: 3,
        version: "0.2.0".to_owned(),
        disk_used: 4,
        disk_limit: 5,
        protocol: Protocol(2),
    };
    let pull = Pull {
        node: "edge".to_owned(),
        serves: BTreeSet::from(["leaf".to_owned()]),
        now: 1_700_000_000_000_000,
        health,
        journals: BTreeMap::from([("progress".to_owned(), cursor())]),
        wait_ms: 5_000,
    };
    let health = r#"{"queue":1,"queue_age_s":2,"conflicts":3,"version":"0.2.0",
        "disk_used":4,"disk_limit":5,"protocol":2}"#;
    let cursor = cursor_text();
    let text = format!(
        r#"{{"node":"edge","serves":["leaf"],"now":1700000000000000,
            "health":{health},"journals":{{"progress":{cursor}}},"wait_ms":5000}}"#
    );
    check_message(&pull, &text);
}

#[test]
fn the_answer_to_a_pull() {
    let feed = |entries, forgot| Feed {
        applied: position(),
        page: FeedPage { bookmark: bookmark(), entries, more: true },
        forgot,
    };
    let pulled = |feed| Pulled {
        node: "hub".to_owned(),
        now: 17,
        protocol: Protocol(2),
        version: "0.2.0".to_owned(),
        journals: BTreeMap::from([("progress".to_owned(), feed)]),
    };
    let text = |entries: &str, rest: &str| {
        format!(
            r#"{{"node":"hub","now":17,"protocol":2,"version":"0.2.0",
                "journals":{{"progress":{{"applied":{POSITION},
                "page":{{"bookmark":{BOOKMARK},"entries":[{entries}],
                "more":true}}{rest}}}}}}}"#
        )
    };
    check_message(&pulled(feed(Vec::new(), true)), &text("", r#","forgot":true"#));
    check_message(&pulled(feed(vec![entry()], false)), &text(ENTRY, ""));
}

#[test]
fn a_request_for_a_record_and_its_answer() {
    let request = RecordRequest {
        node: "edge".to_owned(),
        journal: "identity".to_owned(),
        subject: "ann".to_owned(),
        cursor: cursor(),
        after: 3,
    };
    let cursor = cursor_text();
    let text = format!(
        r#"{{"node":"edge","journal":"identity","subject":"ann","cursor":{cursor},"after":3}}"#
    );
    check_message(&request, &text);
    let record = Record { bookmark: bookmark(), entries: vec![entry()], next: Some(9) };
    let text = format!(r#"{{"bookmark":{BOOKMARK},"entries":[{ENTRY}],"next":9}}"#);
    check_message(&record, &text);
}

#[test]
fn requests_for_bytes() {
    let pieces = vec![Piece { hash: "ab".to_owned(), start: 1, length: 2 }];
    let blobs = BlobsRequest { node: "edge".to_owned(), pieces };
    check_message(&blobs, r#"{"node":"edge","pieces":[{"hash":"ab","start":1,"length":2}]}"#);
    let attachment = AttachmentRequest { node: "edge".to_owned(), sha2: "cd".to_owned() };
    check_message(&attachment, r#"{"node":"edge","sha2":"cd"}"#);
}

#[test]
fn a_version() {
    let seen = VersionVector(BTreeMap::from([("e".to_owned(), 7)]));
    let version = Version { stamp: 7, writer: "e".to_owned(), seen };
    check_message(&version, r#"{"stamp":7,"writer":"e","seen":{"e":7}}"#);
}

/// What release 0.1.0 leaves out.
#[test]
fn messages_of_the_first_release_are_read() {
    let pull = r#"{"node":"edge","serves":[],"now":1,
        "health":{"queue":0,"queue_age_s":0,"conflicts":0,"version":"0.1.0"},
        "journals":{"progress":{"epoch":"mine","feed":null,"held":null}},"wait_ms":0}"#;
    let pull: Pull = serde_json::from_str(pull).unwrap();
    assert_eq!(pull.health.protocol, Protocol::FIRST);
    assert_eq!(pull.journals["progress"].heard, []);
    let pulled: Pulled = serde_json::from_str(r#"{"node":"hub","now":1,"journals":{}}"#).unwrap();
    assert_eq!((pulled.protocol, pulled.version.as_str()), (Protocol::FIRST, ""));
}
