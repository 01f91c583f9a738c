//! `/courses/…`: a course's page, and what is done there with the whole course.

mod units;

use askama::Template;
use hedgeschool_web::{Problem, Query, Reply, Request, body, inside, origin};
use serde::Serialize;
use serde_json::json;

use crate::layout::{Layout, render_page, render_part};
use crate::link::course_address;
use crate::store::{Course, load_completions};
use crate::versions::{ChosenVersion, find_course, find_version_for};
use crate::visitor::Visitor;
use units::{UnitCard, unit_cards};

/// Largest body of a form here, in bytes.
const FORM_BYTES_MAX: usize = 16_384;

#[derive(Template)]
#[template(path = "course.html")]
struct CoursePage {
    layout: Layout,
    /// Address of this page.
    address: String,
    /// Description; may be empty.
    description: String,
    /// What of the page moves.
    part: String,
    /// What an administrator can do here. None: the visitor is none.
    administration: Option<Administration>,
}

/// What administrators see of a course beside its units.
struct Administration {
    /// IRI and title of each unit.
    units: Vec<(String, String)>,
    /// The course is retired.
    is_retired: bool,
    /// Who has just been excused from a unit.
    excused: Option<String>,
}

impl Administration {
    fn of(course: &Course, query: &Query) -> Self {
        let units = course.units.iter();
        Self {
            units: units.map(|unit| (unit.id.clone(), unit.title.clone())).collect(),
            is_retired: course.withdrawn.is_some(),
            excused: query.get("waived").map(str::to_owned),
        }
    }
}

/// What of the page moves.
#[derive(Template)]
#[template(path = "course-part.html")]
struct CoursePart {
    /// Address of the page.
    address: String,
    /// Units in course order.
    units: Vec<UnitCard>,
    /// How many of them are done.
    done: usize,
    /// Whether the visitor may look at units without a record.
    is_administrator: bool,
    /// The visitor is under way in an earlier version.
    is_earlier: bool,
}

/// `GET /courses/{title}-{key}`
///
/// # Errors
/// 404 if there is no such course; what a store answers if it fails.
pub async fn show_course(
    visitor: &Visitor,
    segment: &str,
    query: &Query,
) -> Result<Reply, Problem> {
    let version = find_version_for(visitor, segment).await?;
    let course = &version.course;
    render_page(&CoursePage {
        administration: visitor.is_administrator.then(|| Administration::of(course, query)),
        layout: Layout::new(&course.title, Some(visitor)),
        address: course_address(&course.title, &course.key),
        description: course.description.clone(),
        part: render_version(visitor, version).await?,
    })
}

/// What of that page moves.
///
/// # Errors
/// 404 if there is no such course any more; what a store answers if it fails.
pub async fn render_course_part(visitor: &Visitor, segment: &str) -> Result<String, Problem> {
    render_version(visitor, find_version_for(visitor, segment).await?).await
}

async fn render_version(visitor: &Visitor, version: ChosenVersion) -> Result<String, Problem> {
    let ChosenVersion { course, is_earlier } = version;
    let reached = load_completions(&visitor.agent_id).await?;
    let address = course_address(&course.title, &course.key);
    let units = unit_cards(course.units, &course.blocks.unwrap_or_default(), &reached);
    render_part(&CoursePart {
        address,
        done: units.iter().filter(|unit| unit.attainment.is_done()).count(),
        units,
        is_administrator: visitor.is_administrator,
        is_earlier,
    })
}

/// What the portal asks of `content`.
#[derive(Serialize)]
struct WithdrawQuestion<'a> {
    id: &'a str,
    how: Option<&'a str>,
}

/// `POST /courses/…/withdraw`, a form with `how`: `retired`, `removed`, or `none`, by an
/// administrator. Other nodes hear of it.
///
/// # Errors
/// 403 for who is no administrator, and for a form of another site; 400 for another `how`; 404 if
/// there is no such course; what the content component refuses.
pub async fn withdraw_course(
    request: Request,
    visitor: &Visitor,
    segment: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    visitor.require_administrator("Only administrators take courses back.")?;
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = find_course(segment).await?;
    let how = read_withdrawal(form.get("how"))?;
    let () = inside::ask("content", "/withdraw", &WithdrawQuestion { id: &course.id, how }).await?;
    let is_gone = how == Some("removed");
    let course = course_address(&course.title, &course.key);
    Ok(Reply::see_other(if is_gone { "/admin/courses" } else { &course }))
}

/// How a course is taken back, as the form says. None: it is offered again.
fn read_withdrawal(how: Option<&str>) -> Result<Option<&str>, Problem> {
    match how.unwrap_or_default() {
        "none" => Ok(None),
        how @ ("retired" | "removed") => Ok(Some(how)),
        _ => Err(Problem::bad_request("how is retired, removed or none")),
    }
}

/// `POST /courses/…/renew`: the visitor goes on with the newest version.
///
/// # Errors
/// 403 for a form of another site; 404 if there is no such course; what the progress component
/// refuses.
pub async fn renew_course(
    request: Request,
    visitor: &Visitor,
    segment: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let course = find_course(segment).await?;
    let question = json!({ "learner": visitor.agent_id, "course": course.id });
    let () = inside::ask("progress", "/renew", &question).await?;
    Ok(Reply::see_other(&course_address(&course.title, &course.key)))
}

#[cfg(test)]
mod tests {
    use super::read_withdrawal;

    #[test]
    fn a_course_is_taken_back_in_two_ways_or_offered_again() {
        assert_eq!(read_withdrawal(Some("retired")).unwrap(), Some("retired"));
        assert_eq!(read_withdrawal(Some("removed")).unwrap(), Some("removed"));
        assert_eq!(read_withdrawal(Some("none")).unwrap(), None);
        assert!(read_withdrawal(Some("deleted")).is_err() && read_withdrawal(None).is_err());
    }
}
