//! How statements are answered: in a format, with or without the data of their attachments.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_web::{Problem, Query, Reply, StatusCode};
use hedgeschool_xapi::format::{Format, LanguagePreference, reduce};
use hedgeschool_xapi::{format_http_date, parse_timestamp};
use serde_json::Value;

use super::attachments;
use super::parameters::next_address;
use crate::store::directory;
use crate::store::types::{Page, StoredStatement};

/// Most definitions that the store is asked for at once.
const DEFINITIONS_MAX: usize = 1_000;

/// How the caller wants statements.
pub struct Shape {
    /// How much of agents, verbs and activities.
    pub format: Format,
    /// Which languages, for the canonical format.
    pub languages: Vec<LanguagePreference>,
    /// With the data of attachments.
    pub attachments: bool,
}

/// One statement.
///
/// # Errors
/// The store failed.
pub async fn of_one(found: StoredStatement, shape: &Shape) -> Result<Reply, Problem> {
    let stored = parse_timestamp(&found.stored).and_then(format_http_date);
    let bodies = vec![found.body];
    let body = in_format(&bodies, shape).await?.concat();
    let reply = finish_reply(body, &bodies, shape).await?;
    Ok(match stored {
        Some(date) => reply.with_header("last-modified", &date),
        None => reply,
    })
}

/// A statement result (data, 2.5): the statements, and where to go on.
///
/// # Errors
/// The store failed.
pub async fn of_page(query: &Query, page: Page, shape: &Shape) -> Result<Reply, Problem> {
    let last = page.statements.last().filter(|_| page.more);
    let more = last.map_or(String::new(), |last| next_address(query, last.sequence));
    let bodies: Vec<_> = page.statements.into_iter().map(|found| found.body).collect();
    let statements = in_format(&bodies, shape).await?.join(",");
    let body = format!("{{\"statements\":[{statements}],\"more\":{}}}", Value::from(more));
    finish_reply(body, &bodies, shape).await
}

async fn finish_reply(body: String, bodies: &[String], shape: &Shape) -> Result<Reply, Problem> {
    if shape.attachments {
        return attachments::with_data(body, bodies).await;
    }
    Ok(Reply::new(StatusCode::OK, "application/json", body))
}

/// The statements in the format that was asked for; as they were recorded if that is `exact`.
async fn in_format<'a>(bodies: &'a [String], shape: &Shape) -> Result<Cow<'a, [String]>, Problem> {
    if shape.format == Format::Exact {
        return Ok(Cow::Borrowed(bodies));
    }
    let values = bodies.iter().map(|body| serde_json::from_str(body));
    let mut values: Vec<Value> = values.collect::<Result<_, _>>().map_err(Problem::internal)?;
    let definitions = match shape.format {
        Format::Canonical => find_definitions(&values).await?,
        _ => BTreeMap::new(),
    };
    for value in &mut values {
        reduce(value, shape.format, &shape.languages, &|id| definitions.get(id).cloned());
    }
    Ok(values.iter().map(Value::to_string).collect())
}

/// The canonical definitions of all activities that statements speak of.
async fn find_definitions(statements: &[Value]) -> Result<BTreeMap<String, Value>, Problem> {
    let wanted: Vec<String> = activities_of(statements).into_iter().collect();
    let mut known = BTreeMap::new();
    for ids in wanted.chunks(DEFINITIONS_MAX) {
        let found = directory::definitions(ids.to_vec()).await?;
        for (id, text) in ids.iter().zip(found) {
            let Some(text) = text else { continue };
            let definition = serde_json::from_str(&text).map_err(Problem::internal)?;
            known.insert(id.clone(), definition);
        }
    }
    Ok(known)
}

/// The activities that a reduction would ask for.
fn activities_of(statements: &[Value]) -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    for statement in statements {
        reduce(&mut statement.clone(), Format::Canonical, &[], &|id| {
            asked.borrow_mut().insert(id.to_owned());
            None
        });
    }
    asked.into_inner()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_definitions_of_all_activities_are_asked_for_once() {
        let activity = |id: &str| json!({ "id": id });
        let statement = json!({
            "object": activity("urn:a"),
            "context": {"contextActivities": {"parent": [activity("urn:b"), activity("urn:a")]}},
        });
        let reference = json!({"object": {"objectType": "StatementRef", "id": "urn:c"}});
        let found = activities_of(&[statement, reference]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["urn:a", "urn:b"]);
    }
}
