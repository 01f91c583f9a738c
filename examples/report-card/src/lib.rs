//! What a learner has reached in the courses of a node: `GET /?agent=mbox:mailto:ann@example.org`.
//!
//! It has two stores as component dependencies (see `spin.toml`): one says which courses there
//! are, the other what the learner's statements add up to. Around it run the services of a node
//! as they are, which fill both, and replicate them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spin_sdk::http::{Json, Request, StatusCode};
use spin_sdk::http_service;

mod content {
    wit_bindgen::generate!({
        path: "../../wit/content",
        world: "client",
    });
}

mod progress {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
    });
}

use content::hedgeschool::content::packages;
use progress::hedgeschool::progress::completions::{self, Completion};

/// Most courses on a card.
const COURSES_MAX: u32 = 100;

type Reply = (StatusCode, Json<Value>);

/// Why there is no card: one of the stores says so.
enum Failure {
    Content(packages::Error),
    Progress(completions::Error),
}

impl From<packages::Error> for Failure {
    fn from(error: packages::Error) -> Self {
        Self::Content(error)
    }
}

impl From<completions::Error> for Failure {
    fn from(error: completions::Error) -> Self {
        Self::Progress(error)
    }
}

#[http_service]
async fn handle(request: Request) -> Reply {
    let query = request.uri().query().unwrap_or_default();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let Some((_, agent)) = parameters.find(|(name, _)| name == "agent") else {
        let error = json!({ "error": "say who: /?agent=mbox:mailto:ann@example.org" });
        return (StatusCode::BAD_REQUEST, Json(error));
    };
    match report_card(&agent).await {
        Ok(courses) => (StatusCode::OK, Json(json!({ "agent": agent, "courses": courses }))),
        Err(failure) => {
            let error = match failure {
                Failure::Content(error) => error.to_string(),
                Failure::Progress(error) => error.to_string(),
            };
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": error })))
        }
    }
}

/// Every course, and how the learner stands in each of its units.
async fn report_card(agent: &str) -> Result<Vec<Value>, Failure> {
    let mut courses = Vec::new();
    for summary in packages::courses(None, COURSES_MAX).await? {
        if let Some(course) = packages::find_course(summary.id).await? {
            courses.push(report_course(agent, &course).await?);
        }
    }
    Ok(courses)
}

async fn report_course(agent: &str, course: &packages::Course) -> Result<Value, Failure> {
    let activities = course.units.iter().map(|unit| unit.activity.clone()).collect();
    let reached = completions::reached(agent.to_owned(), activities).await?;
    let reached: BTreeMap<_, _> = reached.iter().map(|one| (one.activity.as_str(), one)).collect();
    let units = course.units.iter().map(|unit| {
        let reached = reached.get(unit.activity.as_str());
        report_unit(&unit.title, &unit.activity, reached.copied())
    });
    Ok(json!({ "title": course.title, "units": units.collect::<Vec<_>>() }))
}

/// A unit; of one without a statement, nothing is known.
fn report_unit(title: &str, activity: &str, reached: Option<&Completion>) -> Value {
    json!({
        "title": title,
        "activity": activity,
        "completed": reached.is_some_and(|reached| reached.completed),
        "passed": reached.is_some_and(|reached| reached.passed),
        "score": reached.and_then(|reached| reached.score),
    })
}
