//! Nodes after an upgrade, beside nodes that have not had one, and after a downgrade.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Message, Node, Relay, is_own_host, repository, statement};
use rusqlite::Connection;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::school::{self, HUB_AT};
use crate::tree::{completed, has, learner, node, people, soon, under};

/// What release 0.1.0 left behind, and what its nodes said to each other.
const FIXTURES: &str = "tests/fixtures/0.1.0";

/// Puts the databases that a node of 0.1.0 left behind into a folder.
fn unpack(node: &str, folder: &Path) -> Result<()> {
    let archive = File::open(repository(FIXTURES).join(format!("{node}.zip")))?;
    Ok(ZipArchive::new(archive)?.extract(folder)?)
}

#[test]
fn the_state_of_0_1_0_opens_and_converges() -> Result<()> {
    let hub = school::hub()?;
    unpack("hub", hub.folder())?;
    let edge = school::edge(HUB_AT)?;
    unpack("edge", edge.folder())?;
    let hub = hub.start()?;
    let (before, after) = (statement::count(&hub.xapi())?, school::STATEMENTS);
    ensure!(before > 0 && before < after, "the hub has {before} of {after}: no backlog");
    let edge = edge.start()?;
    assert_eq!(statement::count(&edge.xapi())?, after);
    let _link = Relay::start(HUB_AT, &hub.address(), |_, _| {})?;
    school::agree(&hub, &edge)?;
    // And they go on.
    let next = completed("ada", "https://example.org/next");
    statement::store(&edge.xapi(), &next)?;
    soon("what is recorded now goes up", || has(&hub, &next))?;
    hub.admin().post("/auth/people", &learner("new"))?.expect(201)?;
    soon("who is added now comes down", || Ok(people(&edge)?.contains_key("new")))
}

#[test]
fn a_database_of_a_later_version_is_refused_at_start() -> Result<()> {
    if !is_own_host() {
        // Others have no such question: there, each request fails with these words in the log.
        return Ok(());
    }
    for database in ["content", "identity", "progress"] {
        let mut node = Node::start()?;
        node.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
        statement::post(&node.xapi(), &statement::new_id())?;
        node.terminate()?;
        let file = node.folder().join(format!("{database}.db"));
        Connection::open(&file)?.pragma_update(None, "user_version", 99)?;
        let (status, log) = Node::builder()?.in_folder_of(&node).fail()?;
        ensure!(!status.success(), "it ended with {status}");
        let sentence = format!("a later version of Hedgeschool wrote the database {database}");
        ensure!(log.contains(&sentence) && log.contains("restore a backup"), "{log}");
        ensure!(!log.contains("Serving"), "{log}");
        let version: i64 =
            Connection::open(&file)?.query_row("PRAGMA user_version", (), |row| row.get(0))?;
        assert_eq!(version, 99);
    }
    Ok(())
}

/// A message of 0.1.0, as it was recorded.
struct Recorded {
    path: String,
    asked: Value,
    status: u64,
    answered: Value,
}

fn recorded() -> Result<Vec<Recorded>> {
    let text = fs::read_to_string(repository(FIXTURES).join("messages.jsonl"))?;
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line)?;
        Ok(Recorded {
            path: line["path"].as_str().context("a path")?.to_owned(),
            asked: line["asked"].take(),
            status: line["status"].as_u64().context("a status")?,
            answered: line["answered"].take(),
        })
    });
    lines.collect()
}

#[test]
fn what_an_edge_of_0_1_0_said_is_taken() -> Result<()> {
    let hub = node("hub", &["leitrim"])?.start()?;
    let edge = hub.anonymous().with_header("authorization", "Bearer token-of-leitrim");
    let mut sent = Vec::new();
    for message in recorded()?.iter().filter(|message| message.path == "/sync/v1/entries") {
        let mut asked = message.asked.clone();
        // They name the disk of the hub of then.
        let fields = asked.as_object_mut().context("a batch")?;
        fields.retain(|name, _| name != "above" && name != "heard");
        let answer = edge.post(&message.path, &asked)?;
        assert_eq!(u64::from(answer.status.as_u16()), message.status, "{}", answer.text());
        assert_eq!(answer.json()?, message.answered);
        let entries = message.asked["entries"].as_array().context("entries")?;
        let statements = entries.iter().filter(|entry| entry["kind"] == "statement");
        sent.extend(statements.map(|entry| entry["payload"]["statement"]["id"].clone()));
    }
    ensure!(!sent.is_empty(), "nothing was recorded");
    let mut pulls = 0;
    for message in recorded()?.iter().filter(|message| message.path == "/sync/v1/pull") {
        let mut asked = message.asked.clone();
        asked["wait_ms"] = json!(0);
        let answer = edge.post(&message.path, &asked)?.expect(200)?.json()?;
        // All that 0.1.0 reads is where it was.
        for (name, feed) in message.answered["journals"].as_object().context("journals")? {
            let now = answer["journals"][name].as_object().context("a journal")?;
            let missing =
                feed.as_object().into_iter().flatten().find(|(key, _)| !now.contains_key(*key));
            ensure!(missing.is_none(), "{name} lacks {missing:?}");
        }
        pulls += 1;
    }
    ensure!(pulls > 0, "no pull was recorded");
    ensure!(people(&hub)?.contains_key("grace"), "whom the edge had added");
    Ok(())
}

#[test]
fn what_a_hub_of_0_1_0_said_is_taken() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let told = recorded()?.into_iter().filter(|message| message.path == "/sync/v1/pull");
    let told: Vec<_> = told.map(|message| of_another(message.answered)).collect();
    let (said, next) = (told.len() as u64, Arc::new(AtomicU64::new(0)));
    let turn = next.clone();
    // Says what was said then, one answer after the other, whatever it is asked.
    let above = Relay::start("127.0.0.1:0", &hub.address(), move |message, answer| {
        if message == Message::Answered && answer.get("journals").is_some() {
            let turn = turn.fetch_add(1, Ordering::SeqCst) as usize;
            answer.clone_from(&told[turn.min(told.len() - 1)]);
        }
    })?;
    let edge = under(node("edge", &[])?, "edge", &above.address()).start()?;
    soon("everything was told", || Ok(next.load(Ordering::SeqCst) >= said))?;
    soon("a person of then is known here", || Ok(people(&edge)?.contains_key("ada")))?;
    let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    assert_eq!(status["upstream"]["is_older"], json!(true));
    assert_eq!(status["upstream"]["waits_for_upgrade"], json!([]));
    Ok(())
}

/// An answer to a node of which nothing is known yet.
fn of_another(mut answer: Value) -> Value {
    for feed in answer["journals"].as_object_mut().into_iter().flat_map(|feeds| feeds.values_mut())
    {
        feed["applied"] = json!({ "through": { "sequence": 0, "receipt": "" } });
    }
    answer
}

#[test]
fn fields_that_a_later_version_adds_are_no_trouble() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let later = Relay::start("127.0.0.1:0", &hub.address(), |_, body| add_fields(body))?;
    let edge = under(node("edge", &[])?, "edge", &later.address()).start()?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let done = completed("ada", "https://example.org/course");
    statement::store(&edge.xapi(), &done)?;
    soon("it goes up", || has(&hub, &done))?;
    soon("it comes down", || Ok(people(&edge)?.contains_key("ada")))
}

/// Gives each object of a message another field, but for payloads: those are the stores'.
fn add_fields(body: &mut Value) {
    match body {
        Value::Object(fields) => {
            for (_, value) in fields.iter_mut().filter(|(name, _)| *name != "payload") {
                add_fields(value);
            }
            // Objects by name, such as `journals`, hold nothing else.
            if !fields.values().all(Value::is_object) {
                fields.insert("of_later".to_owned(), json!({ "a": [1] }));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_fields),
        _ => {}
    }
}

/// A link on which both sides seem to speak a version of the protocol, until it is raised.
fn older(hub: &Node, protocol: &Arc<AtomicU64>) -> Result<Relay> {
    let protocol = protocol.clone();
    Relay::start("127.0.0.1:0", &hub.address(), move |message, body| {
        let told = match message {
            Message::Asked => body.pointer_mut("/health/protocol"),
            Message::Answered => body.get_mut("protocol"),
        };
        if let Some(told) = told {
            *told = json!(protocol.load(Ordering::SeqCst));
        }
    })
}

#[test]
fn what_an_older_node_does_not_know_waits_until_it_is_upgraded() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    // Before the first version nothing is known.
    let protocol = Arc::new(AtomicU64::new(0));
    let link = older(&hub, &protocol)?;
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    let done = completed("ada", "https://example.org/course");
    statement::store(&edge.xapi(), &done)?;
    let status = |node: &Node| node.admin().get("/sync/v1/status")?.expect(200)?.json();
    soon("either says what waits", || {
        let (above, below) = (status(&edge)?, status(&hub)?);
        let kept = &below["nodes"][0]["waits_for_upgrade"];
        Ok(above["upstream"]["waits_for_upgrade"] == json!(["statement"])
            && kept == &json!(["person"]))
    })?;
    let page = edge.browser(&edge.sign_in(Node::ADMIN)?).get("/admin/node")?.expect(200)?;
    ensure!(page.text().contains("earlier release") && page.text().contains("statement"));
    let page = hub.browser(&hub.sign_in(Node::ADMIN)?).get("/admin/node")?.expect(200)?;
    ensure!(page.text().contains("Needs an upgrade") && page.text().contains("person"));
    ensure!(!has(&hub, &done)? && !people(&edge)?.contains_key("ada"));

    protocol.store(1, Ordering::SeqCst);
    soon("what waited goes up", || has(&hub, &done))?;
    soon("nothing waits any more", || {
        let waits = |node: &Value| node["waits_for_upgrade"] == json!([]);
        Ok(waits(&status(&edge)?["upstream"]) && waits(&status(&hub)?["nodes"][0]))
    })
}
