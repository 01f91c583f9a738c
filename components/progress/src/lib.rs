//! The learning record store: xAPI over HTTP, below `/xapi`.
//!
//! Adapts the protocol (xAPI 1.0.3, part three; section numbers here are its) to the pure rules of
//! `hedgeschool-xapi` and to the store behind `hedgeschool:progress`. Holds no state.

mod access;
mod activities;
mod agents;
mod call;
mod conditional;
mod cors;
mod documents;
mod sessions;
mod statements;
mod storage;
mod version;

use call::Call;
use hedgeschool_redis::changed;
use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use serde_json::json;
use spin_sdk::http_service;

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
    });
}

use bindings::hedgeschool::progress as store;

#[http_service]
async fn handle(request: Request) -> Reply {
    let version = version::announced(&request);
    let head = request.method() == Method::HEAD;
    let reads = head
        || [Method::GET, Method::OPTIONS].contains(request.method())
        || request.uri().path() == "/storage/read";
    let reply = answer(route(request).await);
    if !reads && reply.status().is_success() {
        changed("progress");
    }
    let reply = version::announce(cors::allow(reply), version);
    if head { reply.without_body() } else { reply }
}

async fn route(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if let Some(route) = path.strip_prefix("/storage/") {
        return storage::answer(request, route).await;
    }
    match path.as_str() {
        "/launch" => return sessions::begin(request).await,
        "/waive" => return sessions::waive(request).await,
        "/abandon" => return sessions::abandon(request).await,
        "/renew" => return sessions::renew(request).await,
        _ => {}
    }
    match resource(&path) {
        _ if request.method() == Method::OPTIONS => Ok(cors::preflight()),
        // The one resource that needs no version (2.8).
        "about" => about(request.method()),
        "statements" => statements::answer(Call::of(request).await).await,
        "activities" => activities::answer(&Call::of(request).await?).await,
        "agents" => agents::answer(&Call::of(request).await?).await,
        "activities/state" => documents::state(Call::of(request).await?).await,
        "activities/profile" => documents::activity_profile(Call::of(request).await?).await,
        "agents/profile" => documents::agent_profile(Call::of(request).await?).await,
        other => Err(Problem::not_found(format!("there is no xAPI resource {other:?} here"))),
    }
}

/// The resource's name. Clients in the wild write `endpoint//statements` and `statements/`.
fn resource(path: &str) -> &str {
    path.strip_prefix("/xapi").unwrap_or(path).trim_matches('/')
}

/// What this record store speaks (2.8).
fn about(method: &Method) -> Result<Reply, Problem> {
    match *method {
        Method::GET | Method::HEAD => Reply::json(&json!({ "version": version::SPOKEN })),
        _ => Err(Problem::method_not_allowed("GET, HEAD, OPTIONS")),
    }
}

impl From<store::types::Error> for Problem {
    fn from(error: store::types::Error) -> Self {
        use store::types::Error;
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Conflict(ids) => {
                let conflict = hedgeschool_web::StatusCode::CONFLICT;
                let ids = ids.join(", ");
                Self::new(conflict, format!("these ids are taken by other statements: {ids}"))
            }
            Error::Precondition => Self::new(
                hedgeschool_web::StatusCode::PRECONDITION_FAILED,
                "the document is not the one that If-Match or If-None-Match speaks of: get it anew",
            ),
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            Error::Other(reason) => Self::internal(reason),
        }
    }
}
