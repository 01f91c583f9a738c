//! Who is who: sign-in and people below `/auth`, and private answers for the app's other
//! components.
//!
//! The private addresses (`/verify`, `/launch`, `/files`, `/agent`) lie outside `/auth`, the only
//! route the manifest gives this component to the outside: a request reaches them through
//! `identity.spin.internal` or not at all.

mod agent;
mod clients;
mod launch;
mod people;
mod roaming;
mod secret;
mod sign_in;
mod verify;

use hedgeschool_redis::changed;
use hedgeschool_web::{Method, Problem, Reply, Request, StatusCode, answer, content_origin};
use spin_sdk::http_service;

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/identity",
        world: "client",
    });
}

use bindings::hedgeschool::identity as store;

/// Largest body of a request here, in bytes: forms and small JSON.
const BODY_BYTES_MAX: usize = 65_536;

/// Has a host that counts events count one; elsewhere it is a header that says nothing new.
const EVENT: &str = "hedge-event";

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_about_people = request.uri().path().starts_with("/auth/people");
    let changes = is_about_people && request.method() != Method::GET;
    let reply = answer(route(request).await);
    if changes && reply.status().is_success() {
        changed("identity");
    }
    reply.with_header("cache-control", "no-store")
}

async fn route(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/auth/") {
        content_origin::refuse_there(&request).await?;
    }
    match (request.method().as_str(), path.as_str()) {
        ("POST", "/verify") => verify::answer(request).await,
        ("POST", "/launch") => launch::open(request).await,
        ("POST", "/files") => launch::granted(request).await,
        ("POST", "/agent") => people::agent(request).await,
        ("POST", "/auth/sign-in") => sign_in::enter(request).await,
        ("POST", "/auth/sign-out") => sign_in::leave(&request),
        ("POST", "/auth/fetch") => launch::redeem(&request).await,
        ("OPTIONS", "/auth/fetch") => Ok(launch::preflight()),
        ("GET", "/auth/people") => people::list(&request).await,
        ("POST", "/auth/people") => people::add(request).await,
        ("GET", "/auth/clients") => clients::list(&request).await,
        ("POST", "/auth/clients") => clients::add(request).await,
        (_, "/auth/sign-in" | "/auth/sign-out" | "/auth/fetch") => {
            Err(Problem::method_not_allowed("POST"))
        }
        (_, "/auth/people" | "/auth/clients") => Err(Problem::method_not_allowed("GET, POST")),
        _ => one(request, &path).await,
    }
}

/// One person or client.
async fn one(request: Request, path: &str) -> Result<Reply, Problem> {
    let method = request.method().as_str().to_owned();
    let (client, person) =
        (path.strip_prefix("/auth/clients/"), path.strip_prefix("/auth/people/"));
    match (client, person, method.as_str()) {
        (Some(key), _, "DELETE") => clients::revoke(&request, key).await,
        (Some(_), ..) => Err(Problem::method_not_allowed("DELETE")),
        (_, Some(name), "PATCH") => people::change(request, name).await,
        (_, Some(name), "DELETE") => people::remove(&request, name).await,
        (_, Some(_), _) => Err(Problem::method_not_allowed("PATCH, DELETE")),
        (None, None, _) => Err(Problem::not_found(format!("there is nothing at {path}"))),
    }
}

impl From<store::types::Error> for Problem {
    fn from(error: store::types::Error) -> Self {
        use store::types::Error;
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Taken => Self::new(StatusCode::CONFLICT, "the name is taken: choose another"),
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            other => Self::internal(format!("identity store: {other:?}")),
        }
    }
}
