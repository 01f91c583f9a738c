//! xAPI statements, and reading them back.

use anyhow::{Context, Result, ensure};
use rand::Rng;
use serde_json::{Value, json};

use crate::{Client, address};

/// The resource.
pub const PATH: &str = "/xapi/statements";

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
        "verb": { "id": "http://adlnet.gov/expapi/verbs/experienced",
            "display": { "en": "experienced" } },
        "object": { "id": ACTIVITY, "definition": { "name": { "en": "The hedge" } } },
    })
}

/// A statement of its own, with these properties in the place of those of [`experienced`].
pub fn with(properties: Value) -> Value {
    let mut statement = experienced(&new_id());
    if let (Some(statement), Value::Object(properties)) = (statement.as_object_mut(), properties) {
        statement.extend(properties);
    }
    statement
}

/// A statement of its own, complete as a node records it and passes it on.
pub fn recorded() -> Value {
    with(json!({
        "timestamp": "2026-11-22T10:00:00.000Z",
        "version": "1.0.0",
        "authority": { "objectType": "Agent", "mbox": "mailto:edge@example.org" },
    }))
}

/// A statement of its own about the one with this id.
pub fn about(id: &str) -> Value {
    with(json!({ "object": reference(id) }))
}

/// A statement of its own that takes back the one with this id.
pub fn voiding(id: &str) -> Value {
    let verb = json!({ "id": "http://adlnet.gov/expapi/verbs/voided" });
    with(json!({ "verb": verb, "object": reference(id) }))
}

fn reference(id: &str) -> Value {
    json!({ "objectType": "StatementRef", "id": id })
}

/// Posts a statement in a request of its own; an error means that it was not acknowledged.
pub fn post(client: &Client, id: &str) -> Result<()> {
    let response = client.post(PATH, &experienced(id))?.expect(200)?;
    ensure!(response.json()? == json!([id]), "answered {} for {id}", response.text());
    Ok(())
}

/// Posts a statement or a list of them in one request; answers their ids.
pub fn store(client: &Client, statements: &Value) -> Result<Vec<String>> {
    let answered = client.post(PATH, statements)?.expect(200)?.json()?;
    Ok(serde_json::from_value(answered)?)
}

/// One statement by its id, as JSON.
pub fn read(client: &Client, id: &str) -> Result<Value> {
    client.get(&one(id))?.expect(200)?.json()
}

/// The address of one statement.
pub fn one(id: &str) -> String {
    address(PATH, &[("statementId", id)])
}

/// The ids on the first page of a query.
pub fn find(client: &Client, parameters: &[(&str, &str)]) -> Result<Vec<String>> {
    ids(&client.get(&address(PATH, parameters))?.expect(200)?.json()?)
}

/// The ids of all that a query finds, page by page.
pub fn find_all(client: &Client, parameters: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut next = address(PATH, parameters);
    while !next.is_empty() {
        let page = client.get(&next)?.expect(200)?.json()?;
        found.extend(ids(&page)?);
        next = more(&page).to_owned();
    }
    Ok(found)
}

/// The ids of the statements of a page, in its order.
pub fn ids(page: &Value) -> Result<Vec<String>> {
    let statements = page.get("statements").and_then(Value::as_array);
    let statements = statements.context("a page without statements")?;
    let ids = statements.iter().map(|statement| {
        let id = statement.get("id").and_then(Value::as_str).map(str::to_owned);
        id.context("a statement without id")
    });
    ids.collect()
}

/// Where a page is continued; empty at the end.
pub fn more(page: &Value) -> &str {
    page.get("more").and_then(Value::as_str).unwrap_or_default()
}

/// The ids of all statements of a node, oldest first.
pub fn all_ids(client: &Client) -> Result<Vec<String>> {
    find_all(client, &[("ascending", "true"), ("limit", "500")])
}

/// How many statements a node has.
pub fn count(client: &Client) -> Result<usize> {
    Ok(all_ids(client)?.len())
}
