//! HTTP: the pages people see.
//!
//! Plain HTML from the templates in `templates/`, one style sheet, and scripts only where files
//! are imported and where pages move while one looks; everything else works without. A page never
//! holds data of its own: courses come from the content store, what a learner has reached from the
//! progress store, and who is asking from identity.

mod admin;
mod assets;
mod conflicts;
mod courses;
mod launch;
mod link;
mod live;
mod node;
mod page;
mod progress;
mod standing;
mod statements;
mod store;
mod visitor;

use hedgeschool_web::{HeaderMap, Problem, Query, Reply, Request, content_origin, header};
use hedgeschool_xapi::format::{LanguagePreference, accept_language};
use spin_sdk::http_service;

use page::Frame;
use visitor::Visitor;

#[http_service]
async fn handle(request: Request) -> Reply {
    if let Err(problem) = content_origin::refuse_there(&request).await {
        return Reply::from(problem);
    }
    let path = request.uri().path().to_owned();
    if let Some(name) = path.strip_prefix("/static/") {
        let found = assets::find(&request, name).unwrap_or_else(|| Err(Problem::not_found("")));
        return found.unwrap_or_else(|problem| page::error(&problem, None));
    }
    if path == "/returned" {
        return launch::returned(&Query::of(&request))
            .unwrap_or_else(|problem| page::error(&problem, None));
    }
    let visitor = match visitor::recognise(request.headers()).await {
        Ok(visitor) => visitor,
        Err(problem) => return page::error(&problem, None),
    };
    let reply = route(request, &path, visitor.as_ref()).await;
    reply.unwrap_or_else(|problem| page::error(&problem, visitor.as_ref()))
}

async fn route(request: Request, path: &str, visitor: Option<&Visitor>) -> Result<Reply, Problem> {
    let (is_get, is_post) = match request.method().as_str() {
        "GET" | "HEAD" => (true, false),
        "POST" => (false, true),
        _ => return Err(Problem::method_not_allowed("GET, HEAD, POST")),
    };
    if path == "/sign-in" && is_get {
        return sign_in(&request, visitor);
    }
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let events = live(&parts, &request);
    let Some(visitor) = visitor else {
        if events.is_some() {
            return Err(signed_out());
        }
        let next = request.uri().path_and_query().map_or(path, |next| next.as_str());
        return if is_get { Ok(to_sign_in(next)) } else { Err(signed_out()) };
    };
    if let Some(part) = events {
        return live::stream(request.headers(), visitor, part).await;
    }
    let languages = languages(request.headers());
    match parts.as_slice() {
        [""] if is_get => courses::list(visitor).await,
        ["courses", course] if is_get => courses::show(visitor, course, &Query::of(&request)).await,
        ["courses", course, "play"] if is_get => {
            launch::play(&request, visitor, course, &Query::of(&request)).await
        }
        ["courses", course, "launch"] if is_post => launch::launch(request, visitor, course).await,
        ["courses", course, "waive"] if is_post => launch::waive(request, visitor, course).await,
        ["courses", course, "renew"] if is_post => courses::renew(request, visitor, course).await,
        ["courses", course, "withdraw"] if is_post => {
            courses::withdraw(request, visitor, course).await
        }
        ["sessions", session, "end"] if is_post => launch::end(request, visitor, session).await,
        ["progress"] if is_get => progress::show(visitor).await,
        ["statements"] if is_get => {
            statements::browse(visitor, &Query::of(&request), &languages).await
        }
        ["statements", id] if is_get => statements::show(visitor, id, &languages).await,
        ["admin", "courses"] if is_get => admin::courses(visitor).await,
        ["admin", "node"] if is_get => node::show(visitor, &Query::of(&request)).await,
        ["admin", "conflicts"] if is_get => conflicts::list(visitor, &Query::of(&request)).await,
        ["admin", "conflicts", id] if is_post => conflicts::settle(request, visitor, id).await,
        _ => Err(Problem::not_found("There is no page at this address.")),
    }
}

/// What of a page moves, if this is where its events come from.
fn live(parts: &[&str], request: &Request) -> Option<live::Part> {
    if request.method().as_str() != "GET" {
        return None;
    }
    match parts {
        ["events"] => Some(live::Part::Courses),
        ["courses", course, "events"] => Some(live::Part::Course((*course).to_owned())),
        ["progress", "events"] => Some(live::Part::Progress),
        ["admin", "node", "events"] => {
            Some(live::Part::Node(node::View::read(&Query::of(request))))
        }
        _ => None,
    }
}

fn sign_in(request: &Request, visitor: Option<&Visitor>) -> Result<Reply, Problem> {
    if visitor.is_some() {
        return Ok(Reply::see_other("/"));
    }
    let query = Query::of(request);
    let page = page::SignIn {
        frame: Frame::new("Sign in", None),
        next: query.get("next").unwrap_or("/").to_owned(),
        has_failed: query.get("failed").is_some(),
        is_strange: query.get("strange").is_some(),
    };
    page::render(&page)
}

/// The languages the reader likes, best first. Pages are in English, so it comes before what
/// nobody asked for.
fn languages(headers: &HeaderMap) -> Vec<LanguagePreference> {
    let asked = header(headers, "accept-language").map(accept_language);
    let english = LanguagePreference { range: "en".to_owned(), quality: 1 };
    asked.into_iter().flatten().chain([english]).collect()
}

fn to_sign_in(next: &str) -> Reply {
    Reply::see_other(&format!("/sign-in?{}", Query::encode(&[("next", next)])))
}

fn signed_out() -> Problem {
    Problem::new(
        hedgeschool_web::StatusCode::UNAUTHORIZED,
        "Your session has ended: sign in and try again.",
    )
}
