//! What the store keeps of a session, as this component reads it.

use hedgeschool_cmi5::conduct::Marks;
use hedgeschool_cmi5::session::Session;
use hedgeschool_web::{Problem, now_ms};
use hedgeschool_xapi::agent_id;

use crate::store::sessions;
use crate::store::types::SessionState;

/// Largest question of another component, in bytes.
pub const QUESTION_BYTES_MAX: usize = 65_536;

/// What has happened in a session.
pub fn marks_of(state: &SessionState) -> Marks {
    Marks::from_bits_truncate(state.marks)
}

/// The session itself.
///
/// # Errors
/// 500 for what is none.
pub fn session_of(state: &SessionState) -> Result<Session, Problem> {
    serde_json::from_str(&state.session.about).map_err(Problem::internal)
}

/// The learner's identifier.
///
/// # Errors
/// 500 for a session without a learner.
pub fn learner_of(session: &Session) -> Result<String, Problem> {
    agent_id(&session.actor).map_err(Problem::internal)
}

/// Takes note of what has happened in a session.
///
/// # Errors
/// The store failed.
pub async fn mark_session(session: &Session, marks: Marks) -> Result<(), Problem> {
    Ok(sessions::mark(session.id.clone(), marks.bits(), now_ms()).await?)
}
