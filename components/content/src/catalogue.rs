//! Which courses there are.

use std::time::Duration;

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, identity, settings};
use serde::{Deserialize, Serialize};

use crate::response_cache::CacheSlot;
use crate::store::{self, CourseSummary};

/// Courses on a page unless the request says otherwise, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1_000;
const JSON: &str = "application/json";
/// Largest question of another component, in bytes.
const QUESTION_BYTES_MAX: usize = 65_536;

/// A page of courses.
#[derive(Serialize)]
struct CoursePage {
    courses: Vec<CourseSummary>,
    /// What to send as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

/// A page of courses by title, for everybody whom the node knows.
pub async fn list_courses(request: &Request) -> Result<Reply, Problem> {
    identity::verify(request.headers()).await?;
    let query = Query::of(request);
    let limit = parse_limit(query.get("limit"))?;
    let after = query.get("after").map(str::to_owned);
    // Only pages as everybody asks for them: a cache that anybody can fill is soon of no use.
    let slot =
        CacheSlot::open(&format!("courses:{}", after.as_deref().unwrap_or_default())).await?;
    let slot = slot.filter(|_| limit == PAGE);
    if let Some(page) = cached_reply(&slot).await {
        return with_max_age(page).await;
    }
    let courses = store::courses(after, limit).await?;
    let is_full = courses.len() >= limit as usize;
    let next = courses.last().filter(|_| is_full).map(|course| course.id.clone());
    let is_empty = courses.is_empty();
    let page = to_json(&CoursePage { courses, next })?;
    with_max_age(keep_reply(slot.filter(|_| !is_empty), page)).await
}

/// One course, with its units, likewise.
pub async fn show_course(request: &Request, id: &str) -> Result<Reply, Problem> {
    identity::verify(request.headers()).await?;
    let slot = CacheSlot::open(&format!("course:{id}")).await?;
    if let Some(course) = cached_reply(&slot).await {
        return with_max_age(course).await;
    }
    let course = store::find_course(id.to_owned()).await?;
    let course = course.ok_or_else(|| Problem::not_found(format!("there is no course {id:?}")))?;
    with_max_age(keep_reply(slot, to_json(&course)?)).await
}

/// Which course a component asks for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum CourseQuery {
    /// The course of this short name.
    Key(String),
    /// The course that has, or had, the unit with this activity IRI.
    Activity(String),
    /// The course as this package has it.
    Package(String),
}

/// One course for another component, as it is now or as it was, or null.
pub async fn answer_structure(request: Request) -> Result<Reply, Problem> {
    let key = match body::json(request, QUESTION_BYTES_MAX).await? {
        CourseQuery::Key(key) => Some(key),
        CourseQuery::Activity(activity) => {
            let places = store::find_units(vec![activity]).await?;
            places.into_iter().next().map(|place| place.course_key)
        }
        CourseQuery::Package(package) => return Reply::json(&store::find_version(package).await?),
    };
    let Some(key) = key else { return Reply::json(&()) };
    Reply::json(&store::find_course_by_key(key).await?)
}

/// What the cache has, as the reply that it was.
async fn cached_reply(slot: &Option<CacheSlot>) -> Option<Reply> {
    let body = slot.as_ref()?.read_body().await?;
    Some(Reply::new(StatusCode::OK, JSON, body))
}

/// Keeps a reply's body in the cache, if it is to be there.
fn keep_reply(slot: Option<CacheSlot>, body: Vec<u8>) -> Reply {
    if let Some(slot) = slot {
        slot.write_body(body.clone());
    }
    Reply::new(StatusCode::OK, JSON, body)
}

fn to_json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}

fn parse_limit(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(PAGE) };
    let wrong = || Problem::bad_request(format!("limit is a number from 1 to {PAGE_MAX}"));
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(wrong)
}

/// How long others may keep what changes with the next import.
async fn with_max_age(reply: Reply) -> Result<Reply, Problem> {
    let age = if settings::is_on("cache_enabled").await? {
        settings::duration("cache_ttl").await?
    } else {
        Duration::ZERO
    };
    Ok(match age.as_secs() {
        0 => reply.with_header("cache-control", "no-cache"),
        seconds => reply.with_header("cache-control", &format!("private, max-age={seconds}")),
    })
}
