//! What a launched unit sends, held against the rules of its session.

use hedgeschool_cmi5::conduct::{self, History, Marks};
use hedgeschool_cmi5::session::Session;
use hedgeschool_credentials::{Subject, Verdict};
use hedgeschool_web::Problem;
use serde_json::Value;

use super::{about, course, learner, mark, marks, satisfy, say, version};
use crate::store::types::SessionState;
use crate::store::{sessions, statements};

/// A session in which statements may be recorded, and what they mark there.
pub struct Judgement {
    session: Session,
    marks: Marks,
}

/// The state of the session that a request comes from. None: it is no launched unit's, or was
/// launched by a release that kept no sessions.
async fn found(verdict: &Verdict) -> Result<Option<SessionState>, Problem> {
    let Subject::Launch { session, .. } = &verdict.subject else { return Ok(None) };
    Ok(sessions::find(session.clone()).await?)
}

fn ended() -> Problem {
    Problem::forbidden("the session has ended (cmi5, 9.3.6, 9.3.8): launch the unit again")
}

/// The state of the session that a request comes from, if it is a launched unit's: 403 for one
/// whose session has ended, which has nothing to ask any more.
pub async fn open(verdict: &Verdict) -> Result<Option<SessionState>, Problem> {
    let found = found(verdict).await?;
    let has_ended = found.as_ref().is_some_and(|state| marks(state).have_ended());
    if has_ended { Err(ended()) } else { Ok(found) }
}

/// Takes note of what a unit has read.
pub async fn note(state: &SessionState, read: Marks) -> Result<(), Problem> {
    if marks(state).contains(read) {
        return Ok(());
    }
    mark(&about(state)?, read).await
}

/// Judges the statements of a request, as they were sent: 403 for one that breaks a rule of its
/// session. What was recorded before and is sent again is no matter while the session lasts: the
/// store compares it.
pub async fn judge(verdict: &Verdict, sent: &[Value]) -> Result<Option<Judgement>, Problem> {
    let Some(state) = found(verdict).await? else { return Ok(None) };
    let session = about(&state)?;
    let mut so_far = so_far(&state);
    let mut new = Marks::empty();
    for statement in sent {
        match conduct::judge_statement(statement, &session, so_far) {
            Ok(marks) => {
                new |= marks;
                so_far.session |= marks;
                so_far.registration |= marks;
            }
            Err(_) if conduct::may_repeat(statement, so_far) && is_known(statement).await? => {}
            Err(violation) => return Err(Problem::forbidden(violation.to_string())),
        }
    }
    Ok(Some(Judgement { session, marks: new }))
}

/// What other nodes have recorded counts too.
fn so_far(state: &SessionState) -> History {
    let mut registration = Marks::from_bits_truncate(state.registration_marks);
    registration.set(Marks::COMPLETED, registration.contains(Marks::COMPLETED) || state.completed);
    registration.set(Marks::PASSED, registration.contains(Marks::PASSED) || state.passed);
    History { session: marks(state), registration }
}

async fn is_known(statement: &Value) -> Result<bool, Problem> {
    let Some(id) = statement.get("id").and_then(Value::as_str) else { return Ok(false) };
    Ok(statements::get(id.to_owned(), false).await?.is_some())
}

impl Judgement {
    /// Takes note of what was recorded, and says what is satisfied now.
    pub async fn settle(self) -> Result<(), Problem> {
        if self.marks.is_empty() {
            return Ok(());
        }
        mark(&self.session, self.marks).await?;
        if !self.marks.intersects(Marks::COMPLETED | Marks::PASSED) {
            return Ok(());
        }
        // The unit may be of a version that is gone.
        let Some(course) = course::of_unit(&self.session.activity).await? else { return Ok(()) };
        let course = version::of(&learner(&self.session)?, course).await?;
        say(&self.session, satisfy::unsaid(&self.session, &course).await?).await
    }
}
