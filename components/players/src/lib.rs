//! HTTP: the pages that play units which do not record by themselves, below `/content/players`, on
//! content's origin (ADR 21).
//!
//! A player's page is a launched unit to the rest of the node: it redeems the launch, reads what it
//! says and records, as a cmi5 unit does. It shows the file that it plays in a frame of its own
//! origin.

use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use spin_sdk::http_service;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The next release has others under the same names.
const CACHING: &str = "public, no-cache";
const PREFIX: &str = "/content/players/";

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let reply = answer(route(&request).await);
    if is_head { reply.without_body() } else { reply }
}

async fn route(request: &Request) -> Result<Reply, Problem> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    if !ContentOrigin::configured().await?.is_of(request).await? {
        let rule = "players are on the origin of course content (`content_origin`)";
        return Err(Problem::not_found(rule));
    }
    let name = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let missing = || Problem::not_found(format!("there is no {name:?} in this build"));
    asset(name).ok_or_else(missing)?.reply(request, CACHING)
}
