//! What a course's pages keep in a browser's `localStorage` and `sessionStorage`: the node keeps
//! it as the learner's, so that it is there on another tablet and another node, and is not there
//! for the next learner (ADR 20).
//!
//! Each of both is a state document of the learner in the course: a JSON object of texts. The
//! routes are private, as those of [`crate::sessions`].
//!
//! | address | body | answer |
//! |---|---|---|
//! | `/storage/read` | [`Owner`] | [`Areas`] |
//! | `/storage/change` | [`Changes`]: null removes an item | nothing |

use std::collections::BTreeMap;

use hedgeschool_cmi5::launch::course_activity_id;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use hedgeschool_xapi::agent_id;
use serde::{Deserialize, Serialize};

use crate::document_change::{DOCUMENT_BYTES_MAX, change_document};
use crate::store::documents;
use crate::store::types::{Document, DocumentKind, DocumentScope, Precondition};

/// Largest question, in bytes: all that an area may hold, as it is written in JSON.
const QUESTION_BYTES_MAX: usize = 2 * DOCUMENT_BYTES_MAX;
const LOCAL: &str = "localStorage";
const SESSION: &str = "sessionStorage";

/// Whose storage, and of which course.
#[derive(Deserialize)]
struct Owner {
    /// The learner's agent, as JSON.
    agent: String,
    /// The publisher's course IRI.
    course: String,
}

/// What is stored.
#[derive(Serialize)]
struct Areas {
    local: Items<String>,
    session: Items<String>,
}

/// What is to be stored.
#[derive(Deserialize)]
struct Changes {
    #[serde(flatten)]
    owner: Owner,
    #[serde(default)]
    local: Items<Option<String>>,
    #[serde(default)]
    session: Items<Option<String>>,
}

type Items<T> = BTreeMap<String, T>;

/// Answers a route below `/storage/`.
///
/// # Errors
/// 400, 404 and 413.
pub async fn answer_storage(request: Request, route: &str) -> Result<Reply, Problem> {
    match route {
        "read" => read_areas(body::json(request, QUESTION_BYTES_MAX).await?).await,
        "change" => change_areas(body::json(request, QUESTION_BYTES_MAX).await?).await,
        _ => Err(Problem::not_found("there is no such route")),
    }
}

async fn read_areas(owner: Owner) -> Result<Reply, Problem> {
    let scope = owner.scope()?;
    Reply::json(&Areas {
        local: parse_items(documents::get(scope.clone(), LOCAL.to_owned()).await?.as_ref()),
        session: parse_items(documents::get(scope, SESSION.to_owned()).await?.as_ref()),
    })
}

async fn change_areas(changes: Changes) -> Result<Reply, Problem> {
    let scope = changes.owner.scope()?;
    for (area, items) in [(LOCAL, changes.local), (SESSION, changes.session)] {
        if !items.is_empty() {
            store_area(&scope, area, &items).await?;
        }
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn store_area(
    scope: &DocumentScope,
    area: &str,
    changed: &Items<Option<String>>,
) -> Result<(), Problem> {
    change_document(scope, area, "application/json", |current| {
        let items = apply_changes(parse_items(current), changed);
        serde_json::to_vec(&items).map_err(Problem::internal)
    })
    .await
}

/// The items with the changed ones in the place of their own: null removes one.
fn apply_changes(mut items: Items<String>, changed: &Items<Option<String>>) -> Items<String> {
    for (name, text) in changed {
        match text {
            Some(text) => items.insert(name.clone(), text.clone()),
            None => items.remove(name),
        };
    }
    items
}

/// Forgets a learner's `sessionStorage` in a course: a launch is a session of its own.
///
/// # Errors
/// The store failed.
pub async fn begin_session(learner: &str, course: &str) -> Result<(), Problem> {
    let scope = course_scope(learner.to_owned(), course);
    Ok(documents::delete(scope, SESSION.to_owned(), Precondition::None).await?)
}

impl Owner {
    fn scope(&self) -> Result<DocumentScope, Problem> {
        Ok(course_scope(agent_id(&self.agent).map_err(Problem::internal)?, &self.course))
    }
}

/// What is kept of a learner, by the agent's identifier, in a course as a whole.
pub fn course_scope(learner: String, course: &str) -> DocumentScope {
    DocumentScope {
        kind: DocumentKind::State,
        activity: Some(course_activity_id(course)),
        agent: Some(learner),
        registration: None,
    }
}

/// What a document holds; nothing, if it was not made here.
fn parse_items(document: Option<&Document>) -> Items<String> {
    let items = document.and_then(|document| serde_json::from_slice(&document.content).ok());
    items.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_set_and_removed() {
        let items = |pairs: &[(&str, &str)]| -> Items<String> {
            pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
        };
        let changes: Changes = serde_json::from_str(
            r#"{"agent":"{}","course":"urn:c","local":{"a":"2","b":null,"c":"3","d":null}}"#,
        )
        .unwrap();
        let changed = apply_changes(items(&[("a", "1"), ("b", "1"), ("e", "1")]), &changes.local);
        assert_eq!(changed, items(&[("a", "2"), ("c", "3"), ("e", "1")]));
        assert!(changes.session.is_empty());
    }

    #[test]
    fn what_was_not_made_here_holds_nothing() {
        let document = |content: &str| Document {
            media_type: "application/json".into(),
            content: content.into(),
            etag: String::new(),
            updated: 0,
        };
        assert_eq!(parse_items(Some(&document(r#"{"a":"1"}"#))).len(), 1);
        for other in [r#"{"a":1}"#, "[]", "no JSON"] {
            assert!(parse_items(Some(&document(other))).is_empty(), "{other}");
        }
        assert!(parse_items(None).is_empty());
    }
}
