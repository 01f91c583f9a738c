//! Which courses there are.

use std::time::Duration;

use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, body, identity, settings};
use serde::{Deserialize, Serialize};

use crate::shelf::Shelf;
use crate::store::{self, CourseSummary};

/// Courses on a page unless the request says otherwise, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1_000;
const JSON: &str = "application/json";
/// Largest question of another component, in bytes.
const QUESTION_BYTES_MAX: usize = 65_536;

/// A page of courses.
#[derive(Serialize)]
struct Page {
    courses: Vec<CourseSummary>,
    /// What to send as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

/// A page of courses by title, for everybody whom the node knows.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    identity::verify(request.headers()).await?;
    let query = Query::of(request);
    let limit = limit(query.get("limit"))?;
    let after = query.get("after").map(str::to_owned);
    // Only pages as everybody asks for them: a cache that anybody can fill is soon of no use.
    let shelf = Shelf::at(&format!("courses:{}", after.as_deref().unwrap_or_default())).await?;
    let shelf = shelf.filter(|_| limit == PAGE);
    if let Some(page) = found(&shelf).await {
        return cached(page).await;
    }
    let courses = store::courses(after, limit).await?;
    let is_full = courses.len() >= limit as usize;
    let next = courses.last().filter(|_| is_full).map(|course| course.id.clone());
    let is_empty = courses.is_empty();
    let page = json(&Page { courses, next })?;
    cached(kept(shelf.filter(|_| !is_empty), page)).await
}

/// One course, with its units, likewise.
pub async fn course(request: &Request, id: &str) -> Result<Reply, Problem> {
    identity::verify(request.headers()).await?;
    let shelf = Shelf::at(&format!("course:{id}")).await?;
    if let Some(course) = found(&shelf).await {
        return cached(course).await;
    }
    let course = store::find_course(id.to_owned()).await?;
    let course = course.ok_or_else(|| Problem::not_found(format!("there is no course {id:?}")))?;
    cached(kept(shelf, json(&course)?)).await
}

/// Which course a component asks for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    /// The course of this short name.
    Key(String),
    /// The course that has, or had, the unit with this activity IRI.
    Activity(String),
    /// The course as this package has it.
    Package(String),
}

/// One course for another component, as it is now or as it was, or null.
pub async fn structure(request: Request) -> Result<Reply, Problem> {
    let key = match body::json(request, QUESTION_BYTES_MAX).await? {
        Wanted::Key(key) => Some(key),
        Wanted::Activity(activity) => {
            let places = store::find_units(vec![activity]).await?;
            places.into_iter().next().map(|place| place.course_key)
        }
        Wanted::Package(package) => return Reply::json(&store::find_version(package).await?),
    };
    let Some(key) = key else { return Reply::json(&()) };
    Reply::json(&store::find_course_by_key(key).await?)
}

/// What is on a shelf, as the reply that it was.
async fn found(shelf: &Option<Shelf>) -> Option<Reply> {
    let body = shelf.as_ref()?.get().await?;
    Some(Reply::new(StatusCode::OK, JSON, body))
}

/// Puts a reply's body on the shelf, if there is one.
fn kept(shelf: Option<Shelf>, body: Vec<u8>) -> Reply {
    if let Some(shelf) = shelf {
        shelf.put(body.clone());
    }
    Reply::new(StatusCode::OK, JSON, body)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(Problem::internal)
}

fn limit(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(PAGE) };
    let wrong = || Problem::bad_request(format!("limit is a number from 1 to {PAGE_MAX}"));
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(wrong)
}

/// How long others may keep what changes with the next import.
async fn cached(reply: Reply) -> Result<Reply, Problem> {
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
