//! Replication over HTTP, below `/sync`: with the node above, and with the nodes below.
//!
//! The decisions are those of `hedgeschool-replication`; the data is the stores'. This component
//! moves one to the other and holds no state: a round can end at any point and the next one goes
//! on.

mod above;
mod attachments;
mod blobs;
mod conflicts;
mod history;
mod ingest;
mod link;
mod metrics;
mod news;
mod node;
mod outflow;
mod place;
mod pull;
mod push;
mod queue;
mod round;
mod serve;
mod status;
mod storage;
mod stores;
mod upstream;
mod waiting;
mod withheld;

use std::time::Duration;

use futures::future::try_join_all;
use hedgeschool_credentials::{Scope, Subject};
use hedgeschool_replication::pace::LINGER;
use hedgeschool_web::{
    Problem, Query, Reply, Request, StatusCode, answer, body, content_origin, identity,
};
use serde::{Deserialize, Serialize};
use spin_sdk::http_service;

use crate::stores::Journal;

/// The longest that anybody may ask for: below the request deadlines of hosts.
const LINGER_MAX_S: u64 = 20;
/// Largest body of a private request, in bytes.
const PRIVATE_BYTES_MAX: usize = 16_384;

#[http_service]
async fn handle(request: Request) -> Reply {
    answer(route(request).await)
}

async fn route(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/sync/") {
        content_origin::refuse_there(&request).await?;
    }
    match (request.method().as_str(), path.as_str()) {
        // Outside `/sync`, so only other parts of the node get here.
        ("POST", "/tick") => Reply::json(&round::run(LINGER).await?),
        ("POST", "/ready") => ready().await,
        ("POST", "/follow") => follow(request).await,
        ("POST", "/attachments") => attachments::fetch(request).await,
        ("POST", "/status") => status::show().await,
        ("POST", "/metrics") => status::show_metrics().await,
        ("POST", "/observe") => history::observe(request).await,
        ("POST", "/history") => history::show().await,
        ("POST", "/conflicts") => {
            conflicts::show(body::json(request, PRIVATE_BYTES_MAX).await?).await
        }
        ("POST", "/settle") => {
            conflicts::settle_one(body::json(request, PRIVATE_BYTES_MAX).await?).await
        }
        ("POST", "/sync/v1/tick") => tick(&request).await,
        ("POST", "/sync/v1/entries") => logged(&path, serve::entries(request).await),
        ("POST", "/sync/v1/pull") => logged(&path, serve::pull(request).await),
        ("POST", "/sync/v1/record") => logged(&path, serve::record(request).await),
        ("POST", "/sync/v1/blobs") => logged(&path, serve::blobs(request).await),
        ("POST", "/sync/v1/attachment") => logged(&path, attachments::serve(request).await),
        ("GET", "/sync/v1/status") => {
            may_operate(&request).await?;
            status::show().await
        }
        ("GET", "/sync/v1/metrics") => {
            may_operate(&request).await?;
            status::show_metrics().await
        }
        ("GET", "/sync/v1/conflicts") => {
            may_operate(&request).await?;
            conflicts::list(&request).await
        }
        (
            _,
            "/sync/v1/tick"
            | "/sync/v1/entries"
            | "/sync/v1/pull"
            | "/sync/v1/record"
            | "/sync/v1/blobs"
            | "/sync/v1/attachment",
        ) => Err(Problem::method_not_allowed("POST")),
        (_, "/sync/v1/status" | "/sync/v1/metrics" | "/sync/v1/conflicts") => {
            Err(Problem::method_not_allowed("GET"))
        }
        (method, path) => match (path.strip_prefix("/sync/v1/conflicts/"), method) {
            (Some(id), "POST") => {
                may_operate(&request).await?;
                conflicts::settle(&request, id).await
            }
            (Some(_), _) => Err(Problem::method_not_allowed("POST")),
            (None, _) => Err(Problem::not_found(format!("there is nothing at {path}"))),
        },
    }
}

/// Has the log tell of what nodes are refused: nobody sits at them who would.
fn logged(path: &str, reply: Result<Reply, Problem>) -> Result<Reply, Problem> {
    reply.map_err(|problem| {
        let is_usual =
            matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS);
        if problem.internal.is_some() || is_usual || !problem.status.is_client_error() {
            return problem;
        }
        let refusal = format!("refused at {path}: {}", problem.detail);
        Problem { internal: Some(refusal), ..problem }
    })
}

/// Administrators, and clients with full scope; by their credentials, which no page makes a
/// browser send.
async fn may_operate(request: &Request) -> Result<(), Problem> {
    let caller = identity::verify_authorization(request.headers()).await?;
    if caller.is_administrator() || caller.allows(Scope::All) {
        return Ok(());
    }
    Err(Problem::forbidden("only administrators, and clients with scope `all`, may do this"))
}

/// `POST /sync/v1/tick?linger=SECONDS`, for hosts without a ticker. A round costs work here and
/// upstream: clients with full scope, administrators and nodes may ask for it.
async fn tick(request: &Request) -> Result<Reply, Problem> {
    let caller = identity::verify_authorization(request.headers()).await?;
    let allowed = caller.allows(Scope::All) || matches!(caller.subject, Subject::Node { .. });
    if !allowed {
        let refusal = "these credentials may not start a round: use a client's with scope `all`";
        return Err(Problem::forbidden(refusal));
    }
    let query = Query::of(request);
    let seconds = query.get("linger").unwrap_or("0").parse().ok();
    let seconds = seconds.filter(|seconds| *seconds <= LINGER_MAX_S).ok_or_else(|| {
        Problem::bad_request(format!("linger is a number of seconds, at most {LINGER_MAX_S}"))
    })?;
    history::observe_if_due().await?;
    Reply::json(&round::run(Duration::from_secs(seconds)).await?)
}

/// Whether this build can work with what earlier ones have left.
#[derive(Serialize)]
struct Readiness {
    /// Why it never can; nothing if it can.
    refused: Vec<String>,
}

/// `POST /ready`, private: for a host that would rather not start than fail at each request.
async fn ready() -> Result<Reply, Problem> {
    let checks = try_join_all(Journal::ALL.map(Journal::check_schema));
    let refused = checks.await?.into_iter().flatten().collect();
    Reply::json(&Readiness { refused })
}

/// A learner whom this node serves from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    /// A journal's name.
    journal: String,
    /// Whom or what the entries are about.
    subject: String,
    /// Somebody waits for the record, which is fetched at once if the link allows it.
    now: bool,
}

/// `POST /follow`, private: gets what other nodes know of a subject, now and from now on.
async fn follow(request: Request) -> Result<Reply, Problem> {
    let wanted: Follow = body::json(request, PRIVATE_BYTES_MAX).await?;
    let journal = Journal::named(&wanted.journal);
    let journal = journal.ok_or_else(|| Problem::bad_request("there is no such journal"))?;
    if wanted.now {
        serve::from_above(journal, &wanted.subject).await?;
    } else if upstream::Upstream::configured().await?.is_some() {
        pull::follow(journal, &wanted.subject).await?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}
