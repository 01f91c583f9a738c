//! The beginning of a session (cmi5, 8 to 10).

use hedgeschool_cmi5::session::{LaunchDetails, LaunchMode, Session};
use hedgeschool_cmi5::vocabulary::LAUNCH_DATA;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body, now_ms};
use serde::Deserialize;

use super::abandon::abandon_registration;
use super::satisfy::find_unsaid;
use super::say::say_statements;
use super::state::{QUESTION_BYTES_MAX, learner_of};
use super::{begun_version, course};
use crate::storage;
use crate::store::types::{DocumentKind, DocumentScope, Precondition};
use crate::store::{documents, sessions, types};

/// A unit that is about to be launched.
#[derive(Deserialize)]
struct Launch {
    session: Session,
    /// Short name of the course.
    course: String,
    /// The version of it, by its package's hash.
    package: String,
    /// The unit's address, without what a launch adds.
    url: String,
    /// Where the unit sends the learner when it ends.
    return_url: String,
    /// See [`LaunchDetails`].
    launch_parameters: String,
    entitlement_key: String,
}

/// `POST /launch`. When it has answered, the unit may start.
///
/// A launch gives up all sessions of its registration that have not ended, whichever unit they are
/// of (9.3.6); and before it is said that a unit is launched, what is satisfied without it is
/// (9.6.1.1).
///
/// # Errors
/// 400 for what is no launch, 404 for a course that is gone.
pub async fn begin_session(request: Request) -> Result<Reply, Problem> {
    let launch: Launch = body::json(request, QUESTION_BYTES_MAX).await?;
    let session = &launch.session;
    let course = match course::of_package(&launch.package).await? {
        Some(course) => course,
        None => course::of_key(&launch.course).await?,
    };
    let details = LaunchDetails {
        url: &launch.url,
        launch_parameters: &launch.launch_parameters,
        entitlement_key: &launch.entitlement_key,
        return_url: &launch.return_url,
    };
    abandon_registration(&session.registration).await?;
    if session.mode == LaunchMode::Normal {
        begun_version::begin_version(&learner_of(session)?, &course.id, &launch.package).await?;
    }
    storage::begin_session(&learner_of(session)?, &course.id).await?;
    let data = session.launch_data(&details).to_string();
    let json = "application/json".to_owned();
    let (scope, name) = (state_scope(session)?, LAUNCH_DATA.to_owned());
    documents::put(scope, name, json, data.into_bytes(), Precondition::None).await?;
    sessions::begin(make_row(session)?).await?;
    let mut said = find_unsaid(session, &course).await?;
    said.push(session.launched_statement(&details));
    say_statements(session, said).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

fn state_scope(session: &Session) -> Result<DocumentScope, Problem> {
    Ok(DocumentScope {
        kind: DocumentKind::State,
        activity: Some(session.activity.clone()),
        agent: Some(learner_of(session)?),
        registration: Some(session.registration.clone()),
    })
}

fn make_row(session: &Session) -> Result<types::Session, Problem> {
    Ok(types::Session {
        id: session.id.clone(),
        registration: session.registration.clone(),
        agent: learner_of(session)?,
        activity: session.activity.clone(),
        about: serde_json::to_string(session).map_err(Problem::internal)?,
        begun: now_ms(),
    })
}
