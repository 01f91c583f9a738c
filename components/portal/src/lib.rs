//! HTTP: the pages people see.
//!
//! Plain HTML from the templates in `templates/`, one style sheet, and scripts only where files
//! are imported and where pages move while one looks; everything else works without. A page never
//! holds data of its own: courses come from the content store, what a learner has reached from the
//! progress store, and who is asking from identity.

mod assets;
mod attainment;
mod layout;
mod link;
mod live;
mod pages;
mod sessions;
mod store;
mod utc_time;
mod versions;
mod visitor;

use hedgeschool_web::{HeaderMap, Problem, Query, Reply, Request, StatusCode};
use hedgeschool_web::{content_origin, header};
use hedgeschool_xapi::format::{LanguagePreference, accept_language};
use spin_sdk::http_service;

use layout::render_problem;
use live::{LivePart, stream_part};
use pages::sign_in::{redirect_to_sign_in, show_sign_in};
use pages::{conflicts, course, courses, excuse, import, node, player, progress, statements};
use visitor::{Visitor, recognise_visitor};

#[http_service]
async fn handle(request: Request) -> Reply {
    if let Err(problem) = content_origin::refuse_there(&request).await {
        return Reply::from(problem);
    }
    let path = request.uri().path().to_owned();
    if let Some(reply) = answer_anybody(&request, &path) {
        return reply.unwrap_or_else(|problem| render_problem(&problem, None));
    }
    let visitor = match recognise_visitor(request.headers()).await {
        Ok(visitor) => visitor,
        Err(problem) => return render_problem(&problem, None),
    };
    let reply = route_request(request, &path, visitor.as_ref()).await;
    reply.unwrap_or_else(|problem| render_problem(&problem, visitor.as_ref()))
}

/// What is the same for everybody, whoever asks.
fn answer_anybody(request: &Request, path: &str) -> Option<Result<Reply, Problem>> {
    if let Some(name) = path.strip_prefix("/static/") {
        return Some(assets::answer_asset(request, name));
    }
    (path == "/returned").then(|| pages::returned::show_returned(&Query::of(request)))
}

async fn route_request(
    request: Request,
    path: &str,
    visitor: Option<&Visitor>,
) -> Result<Reply, Problem> {
    let (is_get, is_post) = match request.method().as_str() {
        "GET" | "HEAD" => (true, false),
        "POST" => (false, true),
        _ => return Err(Problem::method_not_allowed("GET, HEAD, POST")),
    };
    let query = Query::of(&request);
    if path == "/sign-in" && is_get {
        let home = visitor.map(|_| Reply::see_other("/"));
        return home.map_or_else(|| show_sign_in(&query), Ok);
    }
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let is_stream = request.method().as_str() == "GET";
    let live = LivePart::at(&parts, &query).filter(|_| is_stream);
    let Some(visitor) = visitor else {
        if live.is_some() || is_post {
            return Err(session_ended());
        }
        let next = request.uri().path_and_query().map_or(path, |next| next.as_str());
        return Ok(redirect_to_sign_in(next));
    };
    if let Some(part) = live {
        return stream_part(request.headers(), visitor, part).await;
    }
    if is_post {
        return route_form(request, &parts, visitor).await;
    }
    show_page(&request, &parts, &query, visitor).await
}

async fn show_page(
    request: &Request,
    parts: &[&str],
    query: &Query,
    visitor: &Visitor,
) -> Result<Reply, Problem> {
    let languages = preferred_languages(request.headers());
    match parts {
        [""] => courses::show_courses(visitor).await,
        ["courses", course] => course::show_course(visitor, course, query).await,
        ["courses", course, "play"] => player::show_player(request, visitor, course, query).await,
        ["progress"] => progress::show_progress(visitor).await,
        ["statements"] => statements::show_statements(visitor, query, &languages).await,
        ["statements", id] => statements::show_statement(visitor, id, &languages).await,
        ["admin", "courses"] => import::show_import(visitor).await,
        ["admin", "node"] => node::show_node(visitor, query).await,
        ["admin", "conflicts"] => conflicts::show_conflicts(visitor, query).await,
        _ => Err(no_page()),
    }
}

/// What is sent from a page.
async fn route_form(request: Request, parts: &[&str], visitor: &Visitor) -> Result<Reply, Problem> {
    match parts {
        ["courses", course, "launch"] => player::launch_unit(request, visitor, course).await,
        ["courses", course, "waive"] => excuse::excuse_learner(request, visitor, course).await,
        ["courses", course, "renew"] => course::renew_course(request, visitor, course).await,
        ["courses", course, "withdraw"] => course::withdraw_course(request, visitor, course).await,
        ["sessions", session, "end"] => progress::end_session(request, visitor, session).await,
        ["admin", "conflicts", id] => conflicts::settle_conflict(request, visitor, id).await,
        _ => Err(no_page()),
    }
}

/// The languages the reader likes, best first. Pages are in English, so it comes before what
/// nobody asked for.
fn preferred_languages(headers: &HeaderMap) -> Vec<LanguagePreference> {
    let asked = header(headers, "accept-language").map(accept_language);
    let english = LanguagePreference { range: "en".to_owned(), quality: 1 };
    asked.into_iter().flatten().chain([english]).collect()
}

fn no_page() -> Problem {
    Problem::not_found("There is no page at this address.")
}

fn session_ended() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Your session has ended: sign in and try again.")
}
