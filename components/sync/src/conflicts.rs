//! What lost against something else, for people to look at.

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode};
use serde::Serialize;

use crate::stores::{Conflict, Journal};

#[derive(Serialize)]
struct Page {
    conflicts: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    /// Its address below `/sync/v1/conflicts`.
    id: String,
    #[serde(flatten)]
    conflict: Conflict,
}

/// `GET /sync/v1/conflicts?after=ID`: 100 of each journal at most, oldest first.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    let after = Query::of(request).get("after").map(parse).transpose()?;
    let mut listed = Vec::new();
    for journal in Journal::ALL {
        let key = after.filter(|(of, _)| *of == journal).map_or(0, |(_, key)| key);
        let conflicts = journal.conflicts(key).await?.into_iter();
        listed.extend(conflicts.map(|conflict| Listed {
            id: format!("{}-{}", journal.name(), conflict.key),
            conflict,
        }));
    }
    Reply::json(&Page { conflicts: listed })
}

/// `POST /sync/v1/conflicts/{id}?restore=true`: settles one; what lost is put in its place again, if asked to.
pub async fn settle(request: &Request, id: &str) -> Result<Reply, Problem> {
    let (journal, key) = parse(id)?;
    let restore = match Query::of(request).get("restore").unwrap_or("false") {
        "true" => true,
        "false" => false,
        other => {
            return Err(Problem::bad_request(format!("restore is true or false, not {other:?}")));
        }
    };
    if journal.settle(key, restore).await? {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    Err(Problem::not_found(format!("there is no conflict {id}, or it is settled")))
}

fn parse(id: &str) -> Result<(Journal, u64), Problem> {
    let parsed = id
        .split_once('-')
        .and_then(|(journal, key)| Some((Journal::named(journal)?, key.parse().ok()?)));
    parsed.ok_or_else(|| {
        Problem::bad_request(format!("{id:?} names no conflict: use the `id` of one"))
    })
}
