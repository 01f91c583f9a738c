//! Which version of a course a learner goes on with: the one that was begun, until it is done.
//!
//! It is kept as the learner's state in the course, and so known on every node.

use hedgeschool_cmi5::launch::VERSION_STATE;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::{Deserialize, Serialize};

use super::QUESTION_BYTES_MAX;
use super::course::{self, Course};
use crate::storage::scope;
use crate::store::documents;
use crate::store::types::{DocumentScope, Precondition};

/// The state's document.
#[derive(Deserialize, Serialize)]
struct Version {
    /// The package's hash.
    package: String,
}

/// Takes note that a learner, by the agent's identifier, has begun this version.
pub async fn begin(learner: &str, course: &str, package: &str) -> Result<(), Problem> {
    let scope = scope(learner.to_owned(), course);
    if begun(scope.clone()).await?.is_some_and(|begun| begun == package) {
        return Ok(());
    }
    let version = Version { package: package.to_owned() };
    let content = serde_json::to_vec(&version).map_err(Problem::internal)?;
    let (name, json) = (VERSION_STATE.to_owned(), "application/json".to_owned());
    documents::put(scope, name, json, content, Precondition::None).await?;
    Ok(())
}

/// The course as the learner has begun it, while that version is here; else as it is now.
pub async fn of(learner: &str, course: Course) -> Result<Course, Problem> {
    let Some(package) = begun(scope(learner.to_owned(), &course.id)).await? else {
        return Ok(course);
    };
    let version = course::of_package(&package).await?;
    // A unit can write its learner's state.
    Ok(version.filter(|version| version.id == course.id).unwrap_or(course))
}

/// Who goes on with the newest version of which course.
#[derive(Deserialize)]
struct Renewal {
    /// The learner's agent's identifier.
    learner: String,
    /// The publisher's course IRI.
    course: String,
}

/// `POST /renew`.
pub async fn renew(request: Request) -> Result<Reply, Problem> {
    let Renewal { learner, course } = body::json(request, QUESTION_BYTES_MAX).await?;
    let (scope, name) = (scope(learner, &course), VERSION_STATE.to_owned());
    documents::delete(scope, name, Precondition::None).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn begun(scope: DocumentScope) -> Result<Option<String>, Problem> {
    let document = documents::get(scope, VERSION_STATE.to_owned()).await?;
    let version: Option<Version> =
        document.and_then(|document| serde_json::from_slice(&document.content).ok());
    Ok(version.map(|version| version.package))
}
