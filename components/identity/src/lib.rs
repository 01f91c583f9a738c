//! Who is who: sign-in and people below `/auth`, and private answers for the app's other
//! components.
//!
//! The private addresses (`/verify`, `/launch`, `/files`, `/agent`) lie outside `/auth`, the only
//! route the manifest gives this component to the outside: a request reaches them through
//! `identity.spin.internal` or not at all.
//!
//! What is decided is decided by functions that know no store and no HTTP: `account` (whose
//! password counts), `claim` (what a request claims), `place` (who may be changed here), `person`
//! and `client` (what is taken in and told of one). The other files ask the store and answer.

mod access;
mod account;
mod agent;
mod bootstrap;
mod claim;
mod client;
mod clients;
mod event;
mod form;
mod launch;
mod people;
mod person;
mod place;
mod roaming;
mod secret;
mod sign_in;
mod store;
mod verify;

use hedgeschool_redis::changed;
use hedgeschool_web::{Method, Problem, Reply, Request, answer, content_origin};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_about_people = request.uri().path().starts_with("/auth/people");
    let changes = is_about_people && request.method() != Method::GET;
    let reply = answer(route_request(request).await);
    if changes && reply.status().is_success() {
        changed("identity");
    }
    reply.with_header("cache-control", "no-store")
}

async fn route_request(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/auth/") {
        content_origin::refuse_there(&request).await?;
    }
    match (request.method().as_str(), path.as_str()) {
        ("POST", "/verify") => verify::answer_verdict(request).await,
        ("POST", "/launch") => launch::open_launch(request).await,
        ("POST", "/files") => launch::answer_grant(request).await,
        ("POST", "/agent") => people::answer_agent(request).await,
        ("POST", "/auth/sign-in") => sign_in::sign_in(request).await,
        ("POST", "/auth/sign-out") => sign_in::sign_out(&request).await,
        ("POST", "/auth/fetch") => launch::redeem_token(&request).await,
        ("OPTIONS", "/auth/fetch") => Ok(launch::answer_preflight()),
        ("GET", "/auth/people") => people::list_people(&request).await,
        ("POST", "/auth/people") => people::add_person(request).await,
        ("GET", "/auth/clients") => clients::list_clients(&request).await,
        ("POST", "/auth/clients") => clients::add_client(request).await,
        (_, "/auth/sign-in" | "/auth/sign-out" | "/auth/fetch") => {
            Err(Problem::method_not_allowed("POST"))
        }
        (_, "/auth/people" | "/auth/clients") => Err(Problem::method_not_allowed("GET, POST")),
        _ => route_to_one(request, &path).await,
    }
}

/// One person or client.
async fn route_to_one(request: Request, path: &str) -> Result<Reply, Problem> {
    let method = request.method().as_str().to_owned();
    let (client, person) =
        (path.strip_prefix("/auth/clients/"), path.strip_prefix("/auth/people/"));
    match (client, person, method.as_str()) {
        (Some(key), _, "DELETE") => clients::revoke_client(&request, key).await,
        (Some(_), ..) => Err(Problem::method_not_allowed("DELETE")),
        (_, Some(name), "PATCH") => people::change_person(request, name).await,
        (_, Some(name), "DELETE") => people::remove_person(&request, name).await,
        (_, Some(_), _) => Err(Problem::method_not_allowed("PATCH, DELETE")),
        (None, None, _) => Err(Problem::not_found(format!("there is nothing at {path}"))),
    }
}
