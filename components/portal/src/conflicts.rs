//! What lost against something else, for administrators to look at and to settle.

mod marks;
mod sides;

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, inside, origin};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::page::{self, ConflictCard, Frame};
use crate::progress::moment;
use crate::visitor::Visitor;
pub use marks::Side;

/// Conflicts of a page.
const PAGE: usize = 20;
/// Largest body of the form, in bytes.
const FORM_BYTES_MAX: usize = 4_096;
const ADDRESS: &str = "/admin/conflicts";

/// What `sync` answers.
#[derive(Deserialize)]
struct Page {
    conflicts: Vec<Conflict>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Conflict {
    id: String,
    kind: String,
    subject: String,
    lost: Value,
    standing: Value,
    lost_by: Option<String>,
    standing_by: Option<String>,
    noticed_ms: i64,
    against: Option<String>,
    is_restorable: bool,
    has_other_password: bool,
}

/// `/admin/conflicts?after=…`
pub async fn list(visitor: &Visitor, query: &Query) -> Result<Reply, Problem> {
    check(visitor)?;
    let after = query.get("after").map(str::to_owned);
    let wanted = json!({ "after": after, "limit": PAGE });
    let page: Page = inside::ask("sync", "/conflicts", &wanted).await?;
    page::render(&page::Conflicts {
        frame: Frame::new("Conflicts", Some(visitor)),
        outcome: outcome(query.get("done")),
        conflicts: page.conflicts.iter().map(|conflict| card(conflict, visitor)).collect(),
        next: page.next.map(|next| address(&[("after", &next)])),
        after,
    })
}

/// `POST /admin/conflicts/{id}`, a form: keeps what stands, or restores what lost.
pub async fn settle(request: Request, visitor: &Visitor, id: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    check(visitor)?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let (restore, done) = match form.get("restore") {
        Some("true") => (true, "restored"),
        Some("false") => (false, "kept"),
        _ => return Err(Problem::bad_request("The form says neither to keep nor to restore.")),
    };
    let wanted = json!({ "id": id, "restore": restore });
    let settled = inside::ask::<_, ()>("sync", "/settle", &wanted).await;
    let done = match settled {
        Ok(()) => done,
        Err(problem) if problem.status == StatusCode::NOT_FOUND => "gone",
        Err(problem) => return Err(problem),
    };
    let after = form.get("after").map(|after| ("after", after));
    let parameters: Vec<_> = after.into_iter().chain([("done", done)]).collect();
    Ok(Reply::see_other(&address(&parameters)))
}

fn check(visitor: &Visitor) -> Result<(), Problem> {
    let refusal = "Only administrators settle conflicts.";
    if visitor.is_administrator { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

fn address(parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("{ADDRESS}?{}", query.extend_pairs(parameters).finish())
}

fn outcome(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "kept" => Some("Settled: what stands was kept."),
        "restored" => Some("Settled: what lost was restored, and stands from now on."),
        "gone" => Some("That conflict was settled already."),
        _ => None,
    }
}

fn card(conflict: &Conflict, visitor: &Visitor) -> ConflictCard {
    let by = [conflict.standing_by.as_deref(), conflict.lost_by.as_deref()];
    let rows = sides::compare(&conflict.standing, &conflict.lost, by, visitor.home_page());
    let password = conflict.has_other_password.then(sides::passwords);
    let (different, same) =
        password.into_iter().chain(rows).partition(|row| row.standing.differs(&row.lost));
    ConflictCard {
        id: conflict.id.clone(),
        kind: kind(&conflict.kind),
        subject: conflict.subject.clone(),
        noticed: moment(conflict.noticed_ms),
        different,
        same,
        namesake: namesake(conflict),
        obstacle: (!conflict.is_restorable).then(|| obstacle(&conflict.kind)),
        is_gone: is_gone(&conflict.standing),
    }
}

/// Whether a version is that something was deleted.
fn is_gone(version: &Value) -> bool {
    version.is_null() || version.get("removed") == Some(&Value::Bool(true))
}

fn kind(kind: &str) -> &'static str {
    match kind {
        "document" => "Document",
        "person" => "Person",
        "course" => "Course",
        "statement" => "Statement",
        _ => "Entry",
    }
}

fn obstacle(kind: &str) -> &'static str {
    match kind {
        "statement" => "A statement never changes: what was recorded first stays.",
        _ => "These are two people: neither is put in the other's place.",
    }
}

/// What to do if it is two people who were given one name.
fn namesake(conflict: &Conflict) -> Option<String> {
    let (against, home) = (conflict.against.as_ref()?, conflict.lost.get("home")?.as_str()?);
    let common = "What either does is recorded under that one name, so one of them needs another";
    Some(if conflict.standing.get("home")?.as_str() == Some(home) {
        format!(
            "Somebody at node {against} has this sign-in name too, and the nodes above heard of \
             them first. Whoever has it here can go on, but is known to this node alone. \
             {common}: add this person again under a new sign-in name, and remove this one."
        )
    } else {
        format!(
            "Two people, at nodes {against} and {home}, were given this sign-in name; the first \
             that was heard of stands. {common}. Node {home} has been told."
        )
    })
}
