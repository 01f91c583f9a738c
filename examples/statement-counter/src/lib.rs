//! Another app on Hedgeschool's progress store: how many statements are there, by verb?
//!
//! It has the store as a component dependency (see `spin.toml`) and knows nothing of it but its
//! WIT, here the interface `statements`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spin_sdk::http::{Json, Request, StatusCode};
use spin_sdk::http_service;

mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
    });
}

use bindings::hedgeschool::progress::statements::{self, Filter};

/// The most that the store answers in one page.
const PAGE: u32 = 1_000;

#[http_service]
async fn handle(_request: Request) -> (StatusCode, Json<Value>) {
    match count().await {
        Ok(verbs) => {
            let statements: u64 = verbs.values().sum();
            (StatusCode::OK, Json(json!({ "statements": statements, "verbs": verbs })))
        }
        Err(error) => {
            let answer = json!({ "error": error.to_string() });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(answer))
        }
    }
}

/// How many statements there are with each verb, counted page by page.
async fn count() -> Result<BTreeMap<String, u64>, statements::Error> {
    let mut verbs = BTreeMap::new();
    let mut after = None;
    loop {
        let page = statements::query(everything(after)).await?;
        for statement in &page.statements {
            *verbs.entry(verb(&statement.body)).or_default() += 1;
            after = Some(statement.sequence);
        }
        if !page.more {
            return Ok(verbs);
        }
    }
}

/// The filter that leaves nothing out, one page of it.
fn everything(after: Option<u64>) -> Filter {
    Filter {
        agent: None,
        related_agents: false,
        verb: None,
        activity: None,
        related_activities: false,
        registration: None,
        authority: None,
        since: None,
        until: None,
        ascending: true,
        limit: PAGE,
        after,
    }
}

/// The verb's IRI.
fn verb(statement: &str) -> String {
    let statement: Value = serde_json::from_str(statement).unwrap_or_default();
    statement.pointer("/verb/id").and_then(Value::as_str).unwrap_or("?").to_owned()
}
