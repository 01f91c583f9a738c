//! Launched units: what the LMS records of a launch, what a unit may record in it, and when a
//! course is satisfied (cmi5, 9 and 10).
//!
//! The routes are private: they lie outside `/xapi`, so that only the app's own components reach
//! them.
//!
//! | address | body | does |
//! |---|---|---|
//! | `/launch` | [`begin::Launch`] | begins a session: abandons others, writes launch data, says launched |
//! | `/waive` | [`Waiver`] | says that a unit counts as done |
//! | `/renew` | [`version::Renewal`] | forgets which version of a course a learner has begun |
//! | `/abandon` | [`Abandonment`] | ends a session that has not ended |

mod begin;
mod course;
mod judge;
mod satisfy;
mod version;

use hedgeschool_cmi5::conduct::Marks;
use hedgeschool_cmi5::session::Session;
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body, now_ms, random_bytes, settings};
use hedgeschool_xapi::{Stamp, Version, agent_id, format_timestamp, parse_one};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Builder;

use crate::store::sessions;
use crate::store::statements;
use crate::store::types::SessionState;

pub use begin::begin;
pub use judge::{judge, note, open};
pub use version::renew;

/// Largest question of another component, in bytes.
const QUESTION_BYTES_MAX: usize = 65_536;

/// A unit that counts as done because somebody has decided so.
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
pub async fn waive(request: Request) -> Result<Reply, Problem> {
    let waiver: Waiver = body::json(request, QUESTION_BYTES_MAX).await?;
    say(&waiver.session, [waiver.session.waived_statement(&waiver.reason)]).await?;
    let course = course::of_key(&waiver.course).await?;
    let course = version::of(&learner(&waiver.session)?, course).await?;
    say(&waiver.session, satisfy::unsaid(&waiver.session, &course).await?).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// A session to be given up.
#[derive(Deserialize)]
struct Abandonment {
    session: String,
    /// The identifier of the only learner whose session it may be. None: anybody's.
    learner: Option<String>,
}

/// `POST /abandon`. 404 if there is no such session, or it is another's.
pub async fn abandon(request: Request) -> Result<Reply, Problem> {
    let Abandonment { session, learner } = body::json(request, QUESTION_BYTES_MAX).await?;
    let found = sessions::find(session).await?;
    let found = found.filter(|it| learner.is_none_or(|learner| learner == it.session.agent));
    let state = found.ok_or_else(|| Problem::not_found("there is no such session"))?;
    if !marks(&state).have_ended() {
        let session = about(&state)?;
        say(&session, [abandoned(&session, &state)]).await?;
        mark(&session, Marks::ABANDONED).await?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// What the LMS says of a session that it gives up.
fn abandoned(session: &Session, state: &SessionState) -> Value {
    session.abandoned_statement(state.latest - state.session.begun)
}

async fn mark(session: &Session, marks: Marks) -> Result<(), Problem> {
    Ok(sessions::mark(session.id.clone(), marks.bits(), now_ms()).await?)
}

fn marks(state: &SessionState) -> Marks {
    Marks::from_bits_truncate(state.marks)
}

fn about(state: &SessionState) -> Result<Session, Problem> {
    serde_json::from_str(&state.session.about).map_err(Problem::internal)
}

/// Records what the LMS says, in this order, all or none.
async fn say(
    session: &Session,
    statements: impl IntoIterator<Item = Value>,
) -> Result<(), Problem> {
    let authority = authority(session).await?;
    let now = format_timestamp(now_ms() * 1_000);
    let complete = |statement: Value| {
        let id = Builder::from_random_bytes(random_bytes()).into_uuid().hyphenated().to_string();
        let text = statement.to_string();
        let draft = parse_one(&text, Version::V1_0).map_err(Problem::internal)?;
        Ok(draft.complete(Stamp { id, now: &now, authority: &authority }).body)
    };
    let bodies: Vec<_> = statements.into_iter().map(complete).collect::<Result<_, Problem>>()?;
    if !bodies.is_empty() {
        statements::append(bodies).await?;
    }
    Ok(())
}

/// Under which name the LMS records: the node's account, where its people have theirs.
async fn authority(session: &Session) -> Result<String, Problem> {
    let actor: Value = serde_json::from_str(&session.actor).map_err(Problem::internal)?;
    let home_page = actor.pointer("/account/homePage").cloned().unwrap_or_default();
    let node = settings::text("node_id").await?;
    let account = json!({"homePage": home_page, "name": node});
    Ok(json!({"objectType": "Agent", "account": account}).to_string())
}

/// The learner's identifier.
fn learner(session: &Session) -> Result<String, Problem> {
    agent_id(&session.actor).map_err(Problem::internal)
}
