//! The learning record store: xAPI over HTTP, below `/xapi`.
//!
//! Adapts the protocol (xAPI 1.0.3, part three; section numbers here are its) to the pure rules of
//! `hedgeschool-xapi` and to the store behind `hedgeschool:progress`. Holds no state.

mod access;
mod cors;
mod get;
mod record;
mod version;

use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use spin_sdk::http_service;

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
        runtime_path: "spin_sdk::wit_bindgen::rt",
    });
}

use bindings::hedgeschool::progress as store;

#[http_service]
async fn handle(request: Request) -> Reply {
    let spoken = version::of(request.headers());
    let head = request.method() == Method::HEAD;
    let reply = answer(route(request).await);
    let reply = version::announce(cors::allow(reply), spoken);
    if head { reply.without_body() } else { reply }
}

async fn route(request: Request) -> Result<Reply, Problem> {
    if request.method() == Method::OPTIONS {
        return Ok(cors::preflight());
    }
    match resource(request.uri().path()) {
        "statements" => statements(request).await,
        "about" => about(&request),
        other => Err(Problem::not_found(format!("there is no xAPI resource {other:?} here"))),
    }
}

/// The resource's name. Clients in the wild write `endpoint//statements` and `statements/`.
fn resource(path: &str) -> &str {
    path.strip_prefix("/xapi").unwrap_or(path).trim_matches('/')
}

async fn statements(request: Request) -> Result<Reply, Problem> {
    let version = version::required(request.headers())?;
    let method = request.method().clone();
    match method {
        Method::POST => record::post(request, version).await,
        Method::PUT => record::put(request, version).await,
        Method::GET | Method::HEAD => get::statements(&request).await,
        _ => Err(Problem::method_not_allowed("GET, HEAD, POST, PUT, OPTIONS")),
    }
}

/// What this record store speaks (2.8).
fn about(request: &Request) -> Result<Reply, Problem> {
    match *request.method() {
        Method::GET | Method::HEAD => {
            Reply::json(&serde_json::json!({ "version": version::SPOKEN }))
        }
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
            Error::Busy => Self::busy(),
            Error::Gap(_) => Self::internal("the store answered a gap to a client's batch"),
            Error::Other(reason) => Self::internal(reason),
        }
    }
}
