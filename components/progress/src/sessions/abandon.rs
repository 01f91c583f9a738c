//! Sessions that are given up.

use hedgeschool_cmi5::conduct::Marks;
use hedgeschool_cmi5::session::Session;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::Deserialize;
use serde_json::Value;

use super::say::say_statements;
use super::state::{QUESTION_BYTES_MAX, mark_session, marks_of, session_of};
use crate::store::sessions;
use crate::store::types::SessionState;

/// A session to be given up.
#[derive(Deserialize)]
struct Abandonment {
    session: String,
    /// The identifier of the only learner whose session it may be. None: anybody's.
    learner: Option<String>,
}

/// `POST /abandon`.
///
/// # Errors
/// 404 if there is no such session, or it is another's.
pub async fn abandon_session(request: Request) -> Result<Reply, Problem> {
    let Abandonment { session, learner } = body::json(request, QUESTION_BYTES_MAX).await?;
    let found = sessions::find(session).await?;
    let found = found.filter(|it| learner.is_none_or(|learner| learner == it.session.agent));
    let state = found.ok_or_else(|| Problem::not_found("there is no such session"))?;
    if !marks_of(&state).have_ended() {
        let session = session_of(&state)?;
        say_statements(&session, [abandonment_of(&session, &state)]).await?;
        mark_session(&session, Marks::ABANDONED).await?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Gives up all sessions of a registration that have not ended.
///
/// # Errors
/// The store failed.
pub async fn abandon_registration(registration: &str) -> Result<(), Problem> {
    let ended = (Marks::TERMINATED | Marks::ABANDONED).bits();
    for open in sessions::without(registration.to_owned(), ended).await? {
        let session = session_of(&open)?;
        // Who never spoke is not missed.
        if marks_of(&open).contains(Marks::INITIALIZED) {
            say_statements(&session, [abandonment_of(&session, &open)]).await?;
        }
        mark_session(&session, Marks::ABANDONED).await?;
    }
    Ok(())
}

/// What the LMS says of a session that it gives up.
fn abandonment_of(session: &Session, state: &SessionState) -> Value {
    session.abandoned_statement(state.latest - state.session.begun)
}
