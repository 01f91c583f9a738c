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
mod document_change;
mod documents;
mod ids;
mod sessions;
mod statements;
mod storage;
mod store;
mod version;

use call::Call;
use hedgeschool_redis::changed;
use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use serde_json::json;
use spin_sdk::http_service;
use store::types::DocumentKind;

#[http_service]
async fn handle(request: Request) -> Reply {
    let version = version::announced_version(&request);
    let head = request.method() == Method::HEAD;
    let reads = head
        || [Method::GET, Method::OPTIONS].contains(request.method())
        || request.uri().path() == "/storage/read";
    let reply = answer(route_request(request).await);
    if !reads && reply.status().is_success() {
        changed("progress");
    }
    let reply = version::announce_version(cors::allow_origins(reply), version);
    if head { reply.without_body() } else { reply }
}

async fn route_request(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if let Some(route) = path.strip_prefix("/storage/") {
        return storage::answer_storage(request, route).await;
    }
    match path.as_str() {
        "/launch" => return sessions::begin_session(request).await,
        "/waive" => return sessions::waive_unit(request).await,
        "/abandon" => return sessions::abandon_session(request).await,
        "/renew" => return sessions::renew_version(request).await,
        _ => {}
    }
    match resource_name(&path) {
        _ if request.method() == Method::OPTIONS => Ok(cors::answer_preflight()),
        // The one resource that needs no version (2.8).
        "about" => answer_about(request.method()),
        "statements" => statements::answer_statements(Call::from_request(request).await).await,
        "activities" => activities::answer_activity(&Call::from_request(request).await?).await,
        "agents" => agents::answer_person(&Call::from_request(request).await?).await,
        "activities/state" => answer_documents(request, DocumentKind::State).await,
        "activities/profile" => answer_documents(request, DocumentKind::ActivityProfile).await,
        "agents/profile" => answer_documents(request, DocumentKind::AgentProfile).await,
        other => Err(Problem::not_found(format!("there is no xAPI resource {other:?} here"))),
    }
}

async fn answer_documents(request: Request, kind: DocumentKind) -> Result<Reply, Problem> {
    documents::answer_documents(Call::from_request(request).await?, kind).await
}

/// The resource's name. Clients in the wild write `endpoint//statements` and `statements/`.
fn resource_name(path: &str) -> &str {
    path.strip_prefix("/xapi").unwrap_or(path).trim_matches('/')
}

/// What this record store speaks (2.8).
fn answer_about(method: &Method) -> Result<Reply, Problem> {
    match *method {
        Method::GET | Method::HEAD => Reply::json(&json!({ "version": version::SPOKEN })),
        _ => Err(Problem::method_not_allowed("GET, HEAD, OPTIONS")),
    }
}

#[cfg(test)]
mod tests {
    use super::resource_name;

    #[test]
    fn a_resource_is_found_however_its_address_is_joined() {
        for path in ["/xapi/statements", "/xapi//statements", "/xapi/statements/", "/statements"] {
            assert_eq!(resource_name(path), "statements", "{path}");
        }
        assert_eq!(resource_name("/xapi/agents/profile"), "agents/profile");
    }
}
