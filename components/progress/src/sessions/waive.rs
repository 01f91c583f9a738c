//! A unit that counts as done because somebody has decided so.

use hedgeschool_cmi5::session::Session;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::Deserialize;

use super::satisfy::find_unsaid;
use super::say::say_statements;
use super::state::{QUESTION_BYTES_MAX, learner_of};
use super::{begun_version, course};

/// What is to count as done.
#[derive(Deserialize)]
struct Waiver {
    /// A session for what is said of it; it is never opened.
    session: Session,
    /// Short name of the course.
    course: String,
    /// Why (cmi5, 9.5.5.2).
    reason: String,
}

/// `POST /waive`.
///
/// # Errors
/// 400 for what is no waiver, 404 for a course that is gone.
pub async fn waive_unit(request: Request) -> Result<Reply, Problem> {
    let waiver: Waiver = body::json(request, QUESTION_BYTES_MAX).await?;
    say_statements(&waiver.session, [waiver.session.waived_statement(&waiver.reason)]).await?;
    let course = course::of_key(&waiver.course).await?;
    let course = begun_version::find_course(&learner_of(&waiver.session)?, course).await?;
    say_statements(&waiver.session, find_unsaid(&waiver.session, &course).await?).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
