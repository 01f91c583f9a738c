//! Which courses there are.

use std::time::Duration;

use hedgeschool_web::{Problem, Query, Reply, Request, settings};
use serde::Serialize;

use crate::store::{self, CourseSummary};

/// Courses on a page unless the request says otherwise, and at most.
const PAGE: u32 = 100;
const PAGE_MAX: u32 = 1_000;

/// A page of courses.
#[derive(Serialize)]
struct Page {
    courses: Vec<CourseSummary>,
    /// What to send as `after` for the next page; `null` on the last one.
    next: Option<String>,
}

/// A page of courses by title.
pub async fn list(request: &Request) -> Result<Reply, Problem> {
    let query = Query::of(request);
    let limit = limit(query.get("limit"))?;
    let courses = store::courses(query.get("after").map(str::to_owned), limit).await?;
    let is_full = courses.len() >= limit as usize;
    let next = courses.last().filter(|_| is_full).map(|course| course.id.clone());
    cached(Reply::json(&Page { courses, next })?).await
}

/// One course, with its units.
pub async fn course(id: &str) -> Result<Reply, Problem> {
    let course = store::find_course(id.to_owned()).await?;
    let course = course.ok_or_else(|| Problem::not_found(format!("there is no course {id:?}")))?;
    cached(Reply::json(&course)?).await
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
        seconds => reply.with_header("cache-control", &format!("max-age={seconds}")),
    })
}
