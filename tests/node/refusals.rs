//! What a node does not take from those below: refused, logged, and nothing of it applied.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, audit, is_own_host, statement};
use http::Method;
use serde_json::{Value, json};

use crate::tree::{conflicts, learner, node, people};

const ENTRIES: &str = "/sync/v1/entries";
const PULL: &str = "/sync/v1/pull";
const RECORD: &str = "/sync/v1/record";
const BLOBS: &str = "/sync/v1/blobs";

/// A hub with two nodes below it, and the token of one of them.
struct Hub {
    node: Node,
    edge: Client,
}

impl Hub {
    fn start() -> Result<Self> {
        let node = node("hub", &["edge", "other"])?.start()?;
        let edge = node.anonymous().with_header("authorization", "Bearer token-of-edge");
        // What asks all stores makes the databases.
        edge.post(PULL, &pull("edge"))?.expect(200)?;
        node.admin().get("/sync/v1/conflicts")?.expect(200)?;
        Ok(Self { node, edge })
    }

    /// What its stores have: the end of each journal, and what replication remembers.
    fn stores(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for store in ["content", "identity", "progress"] {
            let database = audit::open(self.node.folder(), store)?;
            let sql = "SELECT group_concat(name || ' ' || text, char(10)) FROM (
                SELECT 'epoch' AS name, epoch AS text FROM journal_copy
                UNION ALL SELECT 'head', max(sequence) FROM journal
                UNION ALL SELECT 'position', node || epoch || through FROM peer_position
                UNION ALL SELECT 'cursor', upstream || through FROM upstream_cursor
                UNION ALL SELECT 'wanted', subject || after FROM wanted_record
                UNION ALL SELECT 'follower', node || subject FROM follower
                UNION ALL SELECT 'conflict', count(*) FROM conflict)";
            found.push(database.query_row(sql, (), |row| row.get(0))?);
        }
        Ok(found)
    }

    /// Sends something that is to be refused with this status.
    fn refuses(&self, client: &Client, path: &str, body: &[u8], status: u16) -> Result<()> {
        let (before, log) = (self.stores()?, self.node.log().len());
        let answer = client.send(Method::POST, path, Some(("application/json", body)))?;
        let start = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
        let answer = answer.expect(status).with_context(|| start.clone())?;
        ensure!(!answer.detail()?.is_empty(), "no reason is given for {start}");
        ensure!(self.stores()? == before, "something of it was applied: {start}");
        // Another host may keep what components print to itself.
        if is_own_host() {
            hedgeschool_tests::eventually("the refusal is logged", || {
                Ok((self.node.log().len() > log).then_some(()))
            })?;
        }
        Ok(())
    }

    fn refuses_batch(&self, journal: &str, entries: &Value, status: u16) -> Result<()> {
        let body = batch("edge", journal, entries).to_string();
        self.refuses(&self.edge, ENTRIES, body.as_bytes(), status)
    }
}

fn batch(node: &str, journal: &str, entries: &Value) -> Value {
    json!({ "node": node, "journal": journal, "epoch": "e0", "lane": "backlog", "after": 0,
        "before": { "through": { "sequence": 0, "receipt": "" } }, "receipt": "r",
        "entries": entries })
}

fn pull(node: &str) -> Value {
    let health = json!({ "queue": 0, "queue_age_s": 0, "conflicts": 0, "version": "" });
    json!({ "node": node, "serves": [], "now": 0, "health": health, "journals": {}, "wait_ms": 0 })
}

fn entry(kind: &str, payload: Value) -> Value {
    json!([{ "sequence": 1, "kind": kind, "payload": payload }])
}

/// An entry with these in the place of a person's own.
fn person(properties: Value) -> Value {
    let mut person = json!({ "name": "eve", "display_name": "Eve", "role": "learner",
        "home": "edge",
        "password_hash": "x", "removed": false, "stamp": 1, "writer": "ab", "seen": { "ab": 1 } });
    merge(&mut person, properties);
    entry("person", person)
}

/// The same for a document.
fn document(properties: Value) -> Value {
    let mut document = json!({ "kind": "state", "activity": "a",
        "agent": "mbox:mailto:a@example.org",
        "registration": "", "id": "d", "media_type": "text/plain", "etag": "e", "content": "MQ==",
        "stamp": 1, "writer": "ab", "seen": { "ab": 1 } });
    merge(&mut document, properties);
    entry("document", document)
}

/// A conflict about a person.
fn person_who_lost(properties: Value, more: Value) -> Value {
    let lost = person(properties)[0]["payload"].clone();
    let mut conflict = json!({ "about": "person", "version": "1ab", "subject": "eve", "noticed": 1,
        "settled": 0,
        "lost": lost });
    merge(&mut conflict, more);
    entry("conflict", conflict)
}

fn merge(object: &mut Value, properties: Value) {
    if let (Some(object), Value::Object(properties)) = (object.as_object_mut(), properties) {
        object.extend(properties);
    }
}

fn good() -> Value {
    entry("statement", statement::recorded())
}

#[test]
fn nodes_without_a_token_of_their_own_are_refused() -> Result<()> {
    let hub = Hub::start()?;
    let pieces = json!({ "node": "edge", "pieces": [] });
    let cursor = json!({ "epoch": "e", "feed": null, "held": null });
    let inquiry = json!({ "node": "edge", "journal": "progress", "subject": "s", "cursor": cursor,
        "after": 0 });
    let messages = [
        (ENTRIES, batch("edge", "progress", &good())),
        (PULL, pull("edge")),
        (RECORD, inquiry),
        (BLOBS, pieces),
    ];
    let bearer =
        |token: &str| hub.node.anonymous().with_header("authorization", &format!("Bearer {token}"));
    for (path, message) in messages {
        let message = message.to_string();
        let refuses =
            |client: Client, status| hub.refuses(&client, path, message.as_bytes(), status);
        refuses(hub.node.anonymous(), 401)?;
        refuses(bearer("token-of-nobody"), 401)?;
        refuses(bearer(""), 401)?;
        // Clients and administrators are known, and no nodes.
        refuses(hub.node.xapi(), 403)?;
        refuses(hub.node.admin(), 403)?;
        // Who one is, the token says.
        refuses(bearer("token-of-other"), 403)?;
        ensure!(!hub.node.log().contains("token-of-nobody"), "a token is in the log");
    }
    Ok(())
}

#[test]
fn what_is_none_of_a_nodes_business_is_refused() -> Result<()> {
    let hub = Hub::start()?;
    for properties in [
        json!({ "role": "administrator" }),
        json!({ "home": "other" }),
        json!({ "home": "hub" }),
        json!({ "home": null }),
    ] {
        hub.refuses_batch("identity", &person(properties.clone()), 403)?;
        // Nor as what lost a conflict.
        hub.refuses_batch("identity", &person_who_lost(properties, json!({})), 403)?;
    }
    hub.refuses_batch("content", &entry("course", json!({})), 403)?;
    // One of many is enough.
    let mut mixed = person(json!({ "name": "adam" }));
    let mut stranger = person(json!({ "home": "other" }))[0].clone();
    stranger["sequence"] = json!(2);
    mixed.as_array_mut().context("a list")?.push(stranger);
    hub.refuses_batch("identity", &mixed, 403)?;
    ensure!(people(&hub.node)?.is_empty());
    // A name that somebody else has is not taken over.
    hub.node.admin().post("/auth/people", &learner("bob"))?.expect(201)?;
    let bob = batch("edge", "identity", &person(json!({ "name": "bob" })));
    hub.edge.post(ENTRIES, &bob)?.expect(200)?;
    assert_eq!(people(&hub.node)?["bob"]["home"], json!(null));
    let conflicts = conflicts(&hub.node)?;
    assert_eq!(conflicts.len(), 1);
    ensure!(conflicts[0]["lost"].get("password_hash").is_none(), "a hash is shown");
    Ok(())
}

#[test]
fn malformed_messages_are_refused() -> Result<()> {
    let hub = Hub::start()?;
    let odd = "x'); DROP TABLE person; --";
    let far = 1i64 << 62;
    let batches = [
        ("secrets", good()),
        ("", good()),
        ("progress", json!([])),
        ("progress", json!({})),
        ("progress", entry("poem", json!("hedge"))),
        ("progress", entry("statement", json!({ "no": "statement" }))),
        ("progress", entry("statement", json!("text"))),
        ("progress", document(json!({ "writer": odd }))),
        ("progress", document(json!({ "seen": { "a.b": 1 } }))),
        ("progress", document(json!({ "seen": { "$": 1 } }))),
        ("progress", document(json!({ "stamp": far, "seen": { "ab": far } }))),
        ("progress", document(json!({ "stamp": -1 }))),
        ("progress", document(json!({ "stamp": 1.5 }))),
        ("progress", document(json!({ "kind": "diary" }))),
        ("progress", document(json!({ "content": "no base64!" }))),
        ("progress", document(json!({ "more": 1 }))),
        ("progress", entry("attachment", json!({ "sha2": "x", "start": 0, "length": 1 }))),
        ("progress", entry("conflict", json!({ "about": "nothing" }))),
        ("identity", person(json!({ "name": "" }))),
        ("identity", person(json!({ "name": "Eve\u{0}" }))),
        ("identity", person(json!({ "name": "../eve" }))),
        ("identity", person(json!({ "name": odd }))),
        ("identity", person(json!({ "role": "king" }))),
        ("identity", person(json!({ "stamp": far }))),
        ("identity", person(json!({ "writer": "" }))),
        ("identity", person_who_lost(json!({ "name": "No Such/Name" }), json!({}))),
        ("identity", person_who_lost(json!({ "display_name": "a\nb" }), json!({}))),
        ("identity", person_who_lost(json!({}), json!({ "against": "\u{1b}[2J" }))),
        ("identity", entry("statement", json!({}))),
    ];
    for (journal, entries) in batches {
        hub.refuses_batch(journal, &entries, 400)?;
    }
    let two = |first: u64, second: u64| {
        let entry = |sequence| json!({ "sequence": sequence, "kind": "k", "payload": 1 });
        json!([entry(first), entry(second)])
    };
    for disorder in [two(2, 1), two(1, 1), two(0, 1)] {
        hub.refuses_batch("progress", &disorder, 400)?;
    }
    let refuses = |path, body: &[u8]| hub.refuses(&hub.edge, path, body, 400);
    for path in [ENTRIES, PULL, RECORD, BLOBS] {
        for body in [&b""[..], b"{", b"[]", b"null", b"\xff\xfe", br#"{"node":"edge"}"#] {
            refuses(path, body)?;
        }
    }
    let mut far_below = pull("edge");
    far_below["serves"] = json!(["x".repeat(201)]);
    refuses(PULL, far_below.to_string().as_bytes())?;
    let mut epochless = batch("edge", "progress", &good());
    epochless["epoch"] = json!("");
    refuses(ENTRIES, epochless.to_string().as_bytes())
}

#[test]
fn what_is_too_large_is_refused() -> Result<()> {
    let hub = Hub::start()?;
    let entries = (1..502).map(|n| json!({ "sequence": n, "kind": "k", "payload": 1 }));
    hub.refuses_batch("progress", &entries.collect(), 413)?;
    let refuses = |path, body: &[u8]| hub.refuses(&hub.edge, path, body, 413);
    let huge = vec![b' '; (8 << 20) + 1];
    for path in [ENTRIES, PULL, RECORD, BLOBS] {
        refuses(path, &huge)?;
    }
    let mut crowd = pull("edge");
    crowd["serves"] = (0..10_001).map(|n| json!(format!("n{n}"))).collect();
    refuses(PULL, crowd.to_string().as_bytes())?;
    let pieces = (0..257).map(|_| json!({ "hash": "a", "start": 0, "length": 1 }));
    let pieces = json!({ "node": "edge", "pieces": pieces.collect::<Vec<_>>() });
    refuses(BLOBS, pieces.to_string().as_bytes())?;
    let piece = json!({ "hash": "a", "start": 0, "length": (1 << 20) + 1 });
    let pieces = json!({ "node": "edge", "pieces": [piece] });
    refuses(BLOBS, pieces.to_string().as_bytes())
}

/// Entries after some that are missing wait for those, and are then asked for.
#[test]
fn a_batch_with_a_gap_before_it_is_not_applied() -> Result<()> {
    let hub = Hub::start()?;
    let before = hub.stores()?;
    let mut late = batch("edge", "progress", &good());
    late["entries"][0]["sequence"] = json!(9);
    late["after"] = json!(8);
    late["before"] = json!({ "through": { "sequence": 8, "receipt": "m" } });
    let answer = hub.edge.post(ENTRIES, &late)?.expect(409)?.json()?;
    assert_eq!(answer["position"]["through"]["sequence"], json!(0));
    ensure!(hub.stores()? == before, "something of it was applied");
    Ok(())
}
