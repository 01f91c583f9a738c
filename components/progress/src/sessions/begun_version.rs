//! Which version of a course a learner goes on with: the one that was begun, until it is done.
//!
//! It is kept as the learner's state in the course, and so known on every node.

use hedgeschool_cmi5::launch::VERSION_STATE;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::{Deserialize, Serialize};

use super::course::{self, Course};
use super::state::QUESTION_BYTES_MAX;
use crate::storage::course_scope;
use crate::store::documents;
use crate::store::types::{DocumentScope, Precondition};

/// The state's document.
#[derive(Deserialize, Serialize)]
struct Version {
    /// The package's hash.
    package: String,
}

/// Takes note that a learner, by the agent's identifier, has begun this version.
///
/// # Errors
/// The store failed.
pub async fn begin_version(learner: &str, course: &str, package: &str) -> Result<(), Problem> {
    let scope = course_scope(learner.to_owned(), course);
    if find_begun(scope.clone()).await?.is_some_and(|begun| begun == package) {
        return Ok(());
    }
    let version = Version { package: package.to_owned() };
    let content = serde_json::to_vec(&version).map_err(Problem::internal)?;
    let (name, json) = (VERSION_STATE.to_owned(), "application/json".to_owned());
    documents::put(scope, name, json, content, Precondition::None).await?;
    Ok(())
}

/// The course as the learner has begun it, while that version is here; else as it is now.
///
/// # Errors
/// The store or the content component failed.
pub async fn find_course(learner: &str, course: Course) -> Result<Course, Problem> {
    let Some(package) = find_begun(course_scope(learner.to_owned(), &course.id)).await? else {
        return Ok(course);
    };
    Ok(choose_version(course::of_package(&package).await?, course))
}

/// The begun version if it is one of this course: a unit can write its learner's state.
fn choose_version(begun: Option<Course>, now: Course) -> Course {
    begun.filter(|begun| begun.id == now.id).unwrap_or(now)
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
///
/// # Errors
/// 400 for what is no renewal.
pub async fn renew_version(request: Request) -> Result<Reply, Problem> {
    let Renewal { learner, course } = body::json(request, QUESTION_BYTES_MAX).await?;
    let (scope, name) = (course_scope(learner, &course), VERSION_STATE.to_owned());
    documents::delete(scope, name, Precondition::None).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn find_begun(scope: DocumentScope) -> Result<Option<String>, Problem> {
    let document = documents::get(scope, VERSION_STATE.to_owned()).await?;
    let version: Option<Version> =
        document.and_then(|document| serde_json::from_slice(&document.content).ok());
    Ok(version.map(|version| version.package))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_learner_goes_on_with_the_version_of_this_course_that_was_begun() {
        let course = |id: &str, title: &str| -> Course {
            let course = serde_json::json!({ "id": id, "title": title, "units": [] });
            serde_json::from_value(course).unwrap()
        };
        let now = || course("urn:c", "now");
        assert_eq!(choose_version(Some(course("urn:c", "begun")), now()).title, "begun");
        assert_eq!(choose_version(Some(course("urn:d", "another")), now()).title, "now");
        assert_eq!(choose_version(None, now()).title, "now");
    }
}
