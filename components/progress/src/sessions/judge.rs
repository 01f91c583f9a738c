//! What a launched unit sends, held against the rules of its session.

use hedgeschool_cmi5::conduct::{self, History, Marks, Violation};
use hedgeschool_cmi5::session::Session;
use hedgeschool_credentials::{Subject, Verdict};
use hedgeschool_web::Problem;
use serde_json::Value;

use super::satisfy::find_unsaid;
use super::say::say_statements;
use super::state::{learner_of, mark_session, marks_of, session_of};
use super::{begun_version, course};
use crate::store::types::SessionState;
use crate::store::{sessions, statements};

/// A session in which statements may be recorded, and what they mark there.
pub struct Judgement {
    session: Session,
    marks: Marks,
}

/// The state of the session that a request comes from. None: it is no launched unit's, or was
/// launched by a release that kept no sessions.
async fn find_session(verdict: &Verdict) -> Result<Option<SessionState>, Problem> {
    let Subject::Launch { session, .. } = &verdict.subject else { return Ok(None) };
    Ok(sessions::find(session.clone()).await?)
}

/// The state of the session that a request comes from, if it is a launched unit's.
///
/// # Errors
/// 403 for one whose session has ended, which has nothing to ask any more.
pub async fn open_session(verdict: &Verdict) -> Result<Option<SessionState>, Problem> {
    let found = find_session(verdict).await?;
    if found.as_ref().is_some_and(|state| marks_of(state).have_ended()) {
        let rule = "the session has ended (cmi5, 9.3.6, 9.3.8): launch the unit again";
        return Err(Problem::forbidden(rule));
    }
    Ok(found)
}

/// Takes note of what a unit has read.
///
/// # Errors
/// The store failed.
pub async fn note_read(state: &SessionState, read: Marks) -> Result<(), Problem> {
    if marks_of(state).contains(read) {
        return Ok(());
    }
    mark_session(&session_of(state)?, read).await
}

/// Judges the statements of a request, as they were sent. What was recorded before and is sent
/// again is no matter while the session lasts: the store compares it.
///
/// # Errors
/// 403 for one that breaks a rule of its session.
pub async fn judge_statements(
    verdict: &Verdict,
    sent: &[Value],
) -> Result<Option<Judgement>, Problem> {
    let Some(state) = find_session(verdict).await? else { return Ok(None) };
    let session = session_of(&state)?;
    let mut trial = Trial { so_far: marks_so_far(&state), new: Marks::empty() };
    for statement in sent {
        match trial.weigh_statement(statement, &session) {
            Ok(()) => {}
            Err(doubt) if doubt.may_be_known && is_known(statement).await? => {}
            Err(doubt) => return Err(Problem::forbidden(doubt.violation.to_string())),
        }
    }
    Ok(Some(Judgement { session, marks: trial.new }))
}

/// The statements of a request, weighed one after another.
struct Trial {
    so_far: History,
    /// What those have marked that keep the rules.
    new: Marks,
}

/// A statement that breaks a rule.
#[derive(Debug)]
struct Doubt {
    violation: Violation,
    /// It is no matter if it was recorded before.
    may_be_known: bool,
}

impl Trial {
    /// Weighs the next statement, and takes note of what it marks for those that follow.
    fn weigh_statement(&mut self, statement: &Value, session: &Session) -> Result<(), Doubt> {
        let marks =
            conduct::judge_statement(statement, session, self.so_far).map_err(|violation| {
                Doubt { violation, may_be_known: conduct::may_repeat(statement, self.so_far) }
            })?;
        self.new |= marks;
        self.so_far.session |= marks;
        self.so_far.registration |= marks;
        Ok(())
    }
}

/// What has happened before. What other nodes have recorded counts too.
fn marks_so_far(state: &SessionState) -> History {
    let mut registration = Marks::from_bits_truncate(state.registration_marks);
    registration.set(Marks::COMPLETED, registration.contains(Marks::COMPLETED) || state.completed);
    registration.set(Marks::PASSED, registration.contains(Marks::PASSED) || state.passed);
    History { session: marks_of(state), registration }
}

async fn is_known(statement: &Value) -> Result<bool, Problem> {
    let Some(id) = statement.get("id").and_then(Value::as_str) else { return Ok(false) };
    Ok(statements::get(id.to_owned(), false).await?.is_some())
}

impl Judgement {
    /// Takes note of what was recorded, and says what is satisfied now.
    ///
    /// # Errors
    /// The store or the content component failed.
    pub async fn settle_marks(self) -> Result<(), Problem> {
        if self.marks.is_empty() {
            return Ok(());
        }
        mark_session(&self.session, self.marks).await?;
        if !self.marks.intersects(Marks::COMPLETED | Marks::PASSED) {
            return Ok(());
        }
        // The unit may be of a version that is gone.
        let Some(course) = course::of_unit(&self.session.activity).await? else { return Ok(()) };
        let course = begun_version::find_course(&learner_of(&self.session)?, course).await?;
        say_statements(&self.session, find_unsaid(&self.session, &course).await?).await
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
