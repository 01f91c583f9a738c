//! The list of courses, and a course's page.

use std::collections::HashMap;
use std::iter::successors;

use hedgeschool_cmi5::launch::{VERSION_STATE, course_activity_id};
use hedgeschool_web::{Problem, Query, Reply, Request, body, inside, origin};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::page::{self, Administration, CourseCard, Frame, UnitCard};
use crate::standing::{Standing, requirement, satisfies};
use crate::store::{
    Block, Completion, DocumentKind, DocumentScope, LaunchMethod, Unit, completions, content,
    documents,
};
use crate::{Visitor, link};

/// Most courses on one page.
const COURSES_MAX: u32 = 500;

/// Largest body of a form here, in bytes.
const FORM_BYTES_MAX: usize = 16_384;

/// `/`
pub async fn list(visitor: &Visitor) -> Result<Reply, Problem> {
    let frame = Frame::new("Courses", Some(visitor));
    page::render(&page::Courses { frame, part: list_part(visitor).await? })
}

/// What of that page moves.
pub async fn list_part(visitor: &Visitor) -> Result<String, Problem> {
    let courses = cards(visitor).await?;
    page::part(&page::CoursesPart { courses, is_administrator: visitor.is_administrator })
}

/// Every course, with how far the visitor is in it. Those that are retired are for who has begun
/// them, and for administrators.
pub async fn cards(visitor: &Visitor) -> Result<Vec<CourseCard>, Problem> {
    let begun = begun_by_course(visitor).await?;
    let courses = content::courses(None, COURSES_MAX).await?;
    let is_shown = |course: &content::CourseSummary| {
        let is_offered = course.withdrawn.is_none() || visitor.is_administrator;
        is_offered || begun.contains_key(&course.key)
    };
    let card = |course: content::CourseSummary| CourseCard {
        href: link::course(&course.title, &course.key),
        title: course.title,
        description: course.description,
        units: course.units,
        // A newer version may have fewer units than were done.
        done: begun.get(&course.key).copied().unwrap_or(0).min(course.units),
        is_retired: course.withdrawn.is_some(),
    };
    Ok(courses.into_iter().filter(is_shown).map(card).collect())
}

/// How many units of each course, by its key, the visitor has completed or passed; of those in
/// which there is something.
async fn begun_by_course(visitor: &Visitor) -> Result<HashMap<String, u32>, Problem> {
    let reached = completions::of_agent(visitor.agent_id.clone()).await?;
    let is_done = |reached: &Completion| reached.completed || reached.passed;
    let done: HashMap<_, _> =
        reached.iter().map(|reached| (reached.activity.clone(), is_done(reached))).collect();
    let mut counts = HashMap::new();
    for place in content::find_units(done.keys().cloned().collect()).await? {
        let is_done = done.get(&place.activity).copied().unwrap_or_default();
        *counts.entry(place.course_key).or_insert(0) += u32::from(is_done);
    }
    Ok(counts)
}

/// `/courses/{title}-{key}`
pub async fn show(visitor: &Visitor, segment: &str, query: &Query) -> Result<Reply, Problem> {
    let taken = take(visitor, segment).await?;
    let course = &taken.course;
    let units = || course.units.iter().map(|unit| (unit.id.clone(), unit.title.clone()));
    let administration = visitor.is_administrator.then(|| Administration {
        units: units().collect(),
        is_retired: course.withdrawn.is_some(),
        waived: query.get("waived").map(str::to_owned),
    });
    page::render(&page::Course {
        administration,
        frame: Frame::new(&course.title, Some(visitor)),
        href: link::course(&course.title, &course.key),
        description: course.description.clone(),
        part: course_part(visitor, taken).await?,
    })
}

/// What of that page moves.
pub async fn part(visitor: &Visitor, segment: &str) -> Result<String, Problem> {
    course_part(visitor, take(visitor, segment).await?).await
}

async fn course_part(visitor: &Visitor, taken: Taken) -> Result<String, Problem> {
    let Taken { course, is_earlier } = taken;
    let reached = reached(visitor).await?;
    let blocks = course.blocks.unwrap_or_default();
    let mut around = None;
    let card = |unit: Unit| {
        let is_next = std::mem::replace(&mut around, unit.block) != unit.block;
        let block = unit.block.filter(|_| is_next).map(|block| path_of(&blocks, block));
        let reached = reached.get(&unit.activity);
        UnitCard { block, ..unit_card(unit, reached) }
    };
    let units: Vec<_> = course.units.into_iter().map(card).collect();
    page::part(&page::CoursePart {
        href: link::course(&course.title, &course.key),
        done: units.iter().filter(|unit| unit.standing.kind == "done").count(),
        units,
        is_administrator: visitor.is_administrator,
        is_earlier,
    })
}

/// What the visitor has reached, by activity.
async fn reached(visitor: &Visitor) -> Result<HashMap<String, Completion>, Problem> {
    let reached = completions::of_agent(visitor.agent_id.clone()).await?;
    Ok(reached.into_iter().map(|reached| (reached.activity.clone(), reached)).collect())
}

/// The titles of a block and those around it, the outermost first.
fn path_of(blocks: &[Block], block: u32) -> String {
    let find = |position: u32| blocks.get(position as usize);
    let path = successors(find(block), |block| block.parent.and_then(find));
    // One that another node sent may go round in a circle.
    let path = path.take(blocks.len());
    let mut titles: Vec<_> = path.map(|block| block.title.as_str()).collect();
    titles.reverse();
    titles.join(" › ")
}

fn unit_card(unit: Unit, reached: Option<&Completion>) -> UnitCard {
    UnitCard {
        requirement: requirement(unit.move_on, unit.mastery_score),
        is_satisfied: satisfies(reached, unit.move_on),
        standing: Standing::of(reached),
        has_own_window: unit.launch_method == LaunchMethod::OwnWindow,
        block: None,
        id: unit.id,
        title: unit.title,
    }
}

/// What the portal asks of `content`.
#[derive(Serialize)]
struct Withdraw<'a> {
    id: &'a str,
    how: Option<&'a str>,
}

/// `POST /courses/…/withdraw`, a form with `how`: `retired`, `removed`, or `none`, by an
/// administrator. Other nodes hear of it.
pub async fn withdraw(
    request: Request,
    visitor: &Visitor,
    segment: &str,
) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    if !visitor.is_administrator {
        return Err(Problem::forbidden("Only administrators take courses back."));
    }
    let form = body::form(request, FORM_BYTES_MAX).await?;
    let course = find(segment).await?;
    let how = match form.get("how").unwrap_or_default() {
        "none" => None,
        how @ ("retired" | "removed") => Some(how),
        _ => return Err(Problem::bad_request("how is retired, removed or none")),
    };
    let () = inside::ask("content", "/withdraw", &Withdraw { id: &course.id, how }).await?;
    let is_gone = how == Some("removed");
    let course = link::course(&course.title, &course.key);
    Ok(Reply::see_other(if is_gone { "/admin/courses" } else { &course }))
}

/// A course as somebody takes it.
pub struct Taken {
    /// The version that is taken.
    pub course: content::Course,
    /// There is a newer one.
    pub is_earlier: bool,
}

/// What a learner's state says of the version that was begun.
#[derive(Deserialize)]
struct Begun {
    package: String,
}

/// The course of an address, or 404, in the version that the visitor has begun and not finished;
/// who has begun none, or finished it, takes the newest.
pub async fn take(visitor: &Visitor, segment: &str) -> Result<Taken, Problem> {
    let newest = find(segment).await?;
    let scope = DocumentScope {
        kind: DocumentKind::State,
        activity: Some(course_activity_id(&newest.id)),
        agent: Some(visitor.agent_id.clone()),
        registration: None,
    };
    let begun = documents::get(scope, VERSION_STATE.to_owned()).await?;
    let begun: Option<Begun> = begun.and_then(|begun| serde_json::from_slice(&begun.content).ok());
    match begun.filter(|begun| begun.package != newest.package) {
        Some(begun) => earlier(visitor, newest, begun.package).await,
        None => Ok(Taken { course: newest, is_earlier: false }),
    }
}

async fn earlier(
    visitor: &Visitor,
    newest: content::Course,
    begun: String,
) -> Result<Taken, Problem> {
    let version = content::find_version(begun).await?;
    // A unit can write its learner's state.
    let Some(version) = version.filter(|version| version.id == newest.id) else {
        return Ok(Taken { course: newest, is_earlier: false });
    };
    let reached = reached(visitor).await?;
    let is_done = |unit: &Unit| satisfies(reached.get(&unit.activity), unit.move_on);
    if version.units.iter().all(is_done) {
        return Ok(Taken { course: newest, is_earlier: false });
    }
    // What is taken back is the same files once more: nothing new is offered.
    let is_earlier = newest.withdrawn.is_none();
    Ok(Taken { course: content::Course { withdrawn: newest.withdrawn, ..version }, is_earlier })
}

/// `POST /courses/…/renew`: the visitor goes on with the newest version.
pub async fn renew(request: Request, visitor: &Visitor, segment: &str) -> Result<Reply, Problem> {
    origin::check_same_origin(&request)?;
    let course = find(segment).await?;
    let question = json!({ "learner": visitor.agent_id, "course": course.id });
    let () = inside::ask("progress", "/renew", &question).await?;
    Ok(Reply::see_other(&link::course(&course.title, &course.key)))
}

/// The course of an address, or 404.
pub async fn find(segment: &str) -> Result<content::Course, Problem> {
    let course = content::find_course_by_key(link::key(segment).to_owned()).await?;
    course.ok_or_else(|| Problem::not_found("There is no such course on this node."))
}
