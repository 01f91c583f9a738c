//! Replication over HTTP, below `/sync`: pushes this node's journal to its upstream, and applies the
//! journals of the nodes below.
//!
//! The decisions are those of `hedgeschool-replication`; the data is the stores'. This component moves one
//! to the other and holds no state: a round can end at any point and the next one goes on.

mod receive;
mod tick;
mod upstream;

use hedgeschool_credentials::{Scope, Subject};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, answer, identity};
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
    answer(route(request).await)
}

async fn route(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    match (request.method().as_str(), path.as_str()) {
        // Outside `/sync`, so only other parts of the node get here: its ticker.
        ("POST", "/tick") => tick::run().await,
        ("POST", "/sync/v1/tick") => {
            may_tick(&request).await?;
            tick::run().await
        }
        ("POST", "/sync/v1/entries") => receive::entries(request).await,
        (_, "/sync/v1/tick" | "/sync/v1/entries") => Err(Problem::method_not_allowed("POST")),
        _ => Err(Problem::not_found(format!("there is nothing at {path}"))),
    }
}

/// A round costs work here and upstream: clients with full scope, administrators and nodes may ask for it.
async fn may_tick(request: &Request) -> Result<(), Problem> {
    let caller = identity::verify_authorization(request.headers()).await?;
    let allowed = caller.allows(Scope::All) || matches!(caller.subject, Subject::Node { .. });
    let refusal = "these credentials may not start a round: use a client's with scope `all`";
    if allowed { Ok(()) } else { Err(Problem::forbidden(refusal)) }
}

impl From<store::types::Error> for Problem {
    fn from(error: store::types::Error) -> Self {
        use store::types::Error;
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Busy => Self::busy(),
            Error::Conflict(_) => Self::new(StatusCode::CONFLICT, "the entries conflict"),
            Error::Gap(through) => Self::internal(format!("unexpected gap at {through}")),
            Error::Precondition => Self::internal("a precondition, where none was given"),
            Error::Other(reason) => Self::internal(reason),
        }
    }
}
