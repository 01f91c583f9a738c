//! xAPI statements, and reading them back.

use anyhow::{Context, Result, ensure};
use rand::Rng;
use serde_json::{Value, json};

use crate::Client;

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
