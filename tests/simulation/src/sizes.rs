//! Bytes of messages: of real ones, as the protocol writes them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use hedgeschool_replication::wire::{
    Applied, Batch, Bookmark, Cursor, Entry, Feed, FeedPage, Health, Pull, Pulled,
};
use hedgeschool_replication::{Checkpoint, Lane, Position, Protocol, Span};
use serde_json::value::RawValue;

/// What HTTP adds to a message: request line or status, and the fields that nodes send.
const HEAD: usize = 250;
/// A resume document: what a course with some questions keeps.
const RESUME: usize = 600;
const EPOCH: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
const TOKEN: &str = "0123456789abcdef";

const STATEMENT: &str = r#"{"id":"0191e2a4-6b1c-7c9a-b1de-0242ac120002","actor":{"objectType":"Agent","account":{
"homePage":"https://school.example.org","name":"learner-0000421337"}},"verb":{"id":"http://adlnet.gov/expapi/verbs/answered",
"display":{"en":"answered"}},"object":{"objectType":"Activity","id":"https://courses.example.org/fractions/unit/3/question/12",
"definition":{"type":"http://adlnet.gov/expapi/activities/cmi.interaction","name":{"en":"Question 12"},"interactionType":"choice",
"correctResponsesPattern":["b"]}},"result":{"success":true,"score":{"scaled":1},"response":"b","duration":"PT41S"},"context":{
"registration":"0191e2a4-6b1c-7c9a-b1de-0242ac120003","contextActivities":{"parent":[{"id":
"https://courses.example.org/fractions/unit/3"}],"grouping":[{"id":"https://courses.example.org/fractions"}]},"extensions":{
"https://w3id.org/xapi/cmi5/context/extensions/sessionid":"0191e2a4-6b1c-7c9a-b1de-0242ac120004"}},
"timestamp":"2026-11-25T10:31:07.123Z","version":"1.0.3"}"#;

/// Bytes of messages.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// An entry with a statement, with one more comma.
    pub statement: u64,
    /// One with a document.
    pub document: u64,
    /// A batch without its entries.
    pub batch: u64,
    /// The answer to one.
    pub applied: u64,
    /// A pull.
    pub pull: u64,
    /// The answer to one without news.
    pub pulled: u64,
}

impl Sizes {
    /// Weighs one message of each kind.
    ///
    /// # Errors
    /// If a message cannot be written as JSON.
    pub fn of_the_protocol() -> Result<Self> {
        let statement = STATEMENT.replace('\n', "");
        let document = format!(
            r#"{{"kind":"state","activity":"https://courses.example.org/fractions/unit/3","agent":"https://school.example.org::learner-0000421337","registration":"0191e2a4-6b1c-7c9a-b1de-0242ac120003","id":"resume","media_type":"application/json","etag":"{EPOCH}","stamp":1764064267123456,"writer":"{EPOCH}","seen":{{"{EPOCH}":1764064267123456}},"content":"{}"}}"#,
            "a".repeat(RESUME.div_ceil(3) * 4)
        );
        let (statement, document) = (entry("statement", statement)?, entry("document", document)?);
        let bytes = |value: &Entry| {
            Ok::<_, serde_json::Error>(serde_json::to_string(value)?.len() as u64 + 1)
        };
        let sizes = (bytes(&statement)?, bytes(&document)?);
        let batch = weight(&batch(statement))? - sizes.0;
        let applied = weight(&Applied { position: position() })?;
        Ok(Self {
            statement: sizes.0,
            document: sizes.1,
            batch,
            applied,
            pull: weight(&pull())?,
            pulled: weight(&pulled())?,
        })
    }
}

fn weight(message: &impl serde::Serialize) -> Result<u64> {
    Ok((serde_json::to_vec(message)?.len() + HEAD) as u64)
}

fn entry(kind: &str, payload: String) -> Result<Entry> {
    let payload = RawValue::from_string(payload)?;
    Ok(Entry { sequence: 1_234_567, kind: kind.to_owned(), payload })
}

fn checkpoint() -> Checkpoint {
    Checkpoint { sequence: 1_234_567, token: TOKEN.to_owned() }
}

fn position() -> Position {
    Position {
        through: checkpoint(),
        fresh: Some(Span { after: 1_234_567, through: checkpoint() }),
    }
}

fn batch(entry: Entry) -> Batch {
    Batch {
        node: "leitrim".to_owned(),
        journal: "progress".to_owned(),
        epoch: EPOCH.to_owned(),
        before: position(),
        lane: Lane::Backlog,
        after: 1_234_567,
        above: Some(EPOCH.to_owned()),
        heard: vec![bookmark()],
        token: TOKEN.to_owned(),
        entries: vec![entry],
    }
}

const JOURNALS: [&str; 3] = ["identity", "content", "progress"];

fn bookmark() -> Bookmark {
    Bookmark { epoch: EPOCH.to_owned(), through: 1_234_567, token: TOKEN.to_owned() }
}

fn pull() -> Pull {
    let cursor = || Cursor {
        epoch: EPOCH.to_owned(),
        feed: Some(bookmark()),
        heard: Vec::new(),
        held: Some(checkpoint()),
        follows: 0,
    };
    Pull {
        node: "leitrim".to_owned(),
        serves: BTreeSet::new(),
        now: 1_764_064_267_123_456,
        health: Health::default(),
        journals: JOURNALS.iter().map(|name| ((*name).to_owned(), cursor())).collect(),
        wait_ms: 2_000,
    }
}

fn pulled() -> Pulled {
    let page = || FeedPage { bookmark: bookmark(), entries: Vec::new(), more: false };
    let feed = || Feed { applied: position(), page: page(), forgot: false };
    let journals: BTreeMap<_, _> =
        JOURNALS.iter().map(|name| ((*name).to_owned(), feed())).collect();
    Pulled {
        node: "hub".to_owned(),
        now: 1_764_064_267_123_456,
        protocol: Protocol::OURS,
        version: "0.2.0".to_owned(),
        journals,
    }
}
