//! xAPI statements, and reading them back.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, ensure};
use rand::Rng;
use serde_json::{Value, json};

use crate::{Client, Node, eventually};

/// The learner of [`experienced`]'s statements, as a query's `agent`.
pub const LEARNER: &str = r#"{"mbox":"mailto:ada@example.org"}"#;

/// The activity of [`experienced`]'s statements.
pub const ACTIVITY: &str = "https://example.org/activities/hedge";

/// A fresh statement id.
pub fn new_id() -> String {
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// A statement with this id: Ada experienced the hedge.
pub fn experienced(id: &str) -> Value {
    json!({
        "id": id,
        "actor": { "objectType": "Agent", "name": "Ada", "mbox": "mailto:ada@example.org" },
        "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced", "display": { "en": "experienced" } },
        "object": { "id": ACTIVITY, "definition": { "name": { "en": "The hedge" } } },
    })
}

/// Posts a statement in a request of its own; an error means that it was not acknowledged.
pub fn post(client: &Client, id: &str) -> Result<()> {
    let response = client.post("/xapi/statements", &experienced(id))?.expect(200)?;
    ensure!(response.json()? == json!([id]), "answered {} for {id}", response.text());
    Ok(())
}

/// The ids of all statements of a node, oldest first, page by page.
pub fn all_ids(client: &Client) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut next = "/xapi/statements?ascending=true&limit=500".to_owned();
    while !next.is_empty() {
        let page = client.get(&next)?.expect(200)?.json()?;
        let statements = page.get("statements").and_then(Value::as_array);
        for statement in statements.context("a page without statements")? {
            let id = statement.get("id").and_then(Value::as_str);
            ids.push(id.context("a statement without id")?.to_owned());
        }
        next = page.get("more").and_then(Value::as_str).unwrap_or_default().to_owned();
    }
    Ok(ids)
}

/// How many statements a node has.
pub fn count(client: &Client) -> Result<usize> {
    Ok(all_ids(client)?.len())
}

/// How many clients write at a time in [`write_until_killed`].
const WRITERS: usize = 4;

/// Has clients post statements as fast as they can, and kills the node under them: a moment after
/// `count` have been acknowledged. Answers the ids of all that were.
pub fn write_until_killed(node: &mut Node, count: usize, moment: Duration) -> Result<Vec<String>> {
    let acknowledged = Mutex::new(Vec::new());
    let client = node.xapi();
    let refusals = thread::scope(|scope| {
        let writers = [(); WRITERS].map(|()| scope.spawn(|| write(&client, &acknowledged)));
        let reached = eventually("enough statements are acknowledged", || {
            let stopped = writers.iter().all(|writer| writer.is_finished());
            let written = acknowledged.lock().map(|ids| ids.len()).unwrap_or_default();
            Ok((stopped || written >= count).then_some(written >= count))
        });
        // Not waiting for something: a random moment inside a write is the point.
        thread::sleep(moment);
        node.kill()?;
        let refusals = writers.map(|writer| writer.join().ok());
        if reached? { Ok(()) } else { Err(refused(refusals.into_iter().flatten())) }
    });
    refusals?;
    acknowledged.into_inner().context("a writer panicked")
}

/// Posts statements until one is not acknowledged; answers why it was not.
fn write(client: &Client, acknowledged: &Mutex<Vec<String>>) -> Error {
    loop {
        let id = new_id();
        if let Err(error) = post(client, &id) {
            return error;
        }
        if let Ok(mut ids) = acknowledged.lock() {
            ids.push(id);
        }
    }
}

/// The first of the reasons.
fn refused(mut reasons: impl Iterator<Item = Error>) -> Error {
    let reason = reasons.next().unwrap_or_else(|| anyhow::anyhow!("a writer panicked"));
    reason.context("the node refused statements before it was killed")
}
