//! What a course's pages keep in a browser's `localStorage` and `sessionStorage`: the node keeps
//! it as the learner's, so that it is there on another tablet and another node, and is not there
//! for the next learner (ADR 20).
//!
//! Each of both is a state document of the learner in the course: a JSON object of texts. The
//! routes are private, as those of [`crate::sessions`].
//!
//! | address | body | answer |
//! |---|---|---|
//! | `/storage/read` | [`Place`] | [`Areas`] |
//! | `/storage/change` | [`Changes`]: null removes an item | nothing |

use std::collections::BTreeMap;

use hedgeschool_cmi5::launch::course_activity_id;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use hedgeschool_xapi::agent_id;
use serde::{Deserialize, Serialize};

use crate::documents::{BYTES_MAX, update};
use crate::store::documents;
use crate::store::types::{Document, DocumentKind, DocumentScope, Precondition};

/// Largest question, in bytes: all that an area may hold, as it is written in JSON.
const QUESTION_BYTES_MAX: usize = 2 * BYTES_MAX;
const LOCAL: &str = "localStorage";
const SESSION: &str = "sessionStorage";

/// Whose storage, and of which course.
#[derive(Deserialize)]
struct Place {
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
    place: Place,
    #[serde(default)]
    local: Items<Option<String>>,
    #[serde(default)]
    session: Items<Option<String>>,
}

type Items<T> = BTreeMap<String, T>;

/// Answers a route below `/storage/`.
pub async fn answer(request: Request, route: &str) -> Result<Reply, Problem> {
    match route {
        "read" => read(body::json(request, QUESTION_BYTES_MAX).await?).await,
        "change" => change(body::json(request, QUESTION_BYTES_MAX).await?).await,
        _ => Err(Problem::not_found("there is no such route")),
    }
}

async fn read(place: Place) -> Result<Reply, Problem> {
    let scope = place.scope()?;
    Reply::json(&Areas {
        local: items(documents::get(scope.clone(), LOCAL.to_owned()).await?.as_ref()),
        session: items(documents::get(scope, SESSION.to_owned()).await?.as_ref()),
    })
}

async fn change(changes: Changes) -> Result<Reply, Problem> {
    let scope = changes.place.scope()?;
    for (area, items) in [(LOCAL, changes.local), (SESSION, changes.session)] {
        if !items.is_empty() {
            store(&scope, area, &items).await?;
        }
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn store(
    scope: &DocumentScope,
    area: &str,
    changed: &Items<Option<String>>,
) -> Result<(), Problem> {
    update(scope, area, "application/json", |current| {
        let mut items = items(current);
        for (name, text) in changed.clone() {
            match text {
                Some(text) => items.insert(name, text),
                None => items.remove(&name),
            };
        }
        serde_json::to_vec(&items).map_err(Problem::internal)
    })
    .await
}

/// Forgets a learner's `sessionStorage` in a course: a launch is a session of its own.
pub async fn begin_session(learner: &str, course: &str) -> Result<(), Problem> {
    let scope = scope(learner.to_owned(), course);
    Ok(documents::delete(scope, SESSION.to_owned(), Precondition::None).await?)
}

impl Place {
    fn scope(&self) -> Result<DocumentScope, Problem> {
        Ok(scope(agent_id(&self.agent).map_err(Problem::internal)?, &self.course))
    }
}

/// What is kept of a learner, by the agent's identifier, in a course as a whole.
pub fn scope(learner: String, course: &str) -> DocumentScope {
    DocumentScope {
        kind: DocumentKind::State,
        activity: Some(course_activity_id(course)),
        agent: Some(learner),
        registration: None,
    }
}

/// What a document holds; nothing, if it was not made here.
fn items(document: Option<&Document>) -> Items<String> {
    let items = document.and_then(|document| serde_json::from_slice(&document.content).ok());
    items.unwrap_or_default()
}
