//! Replication over HTTP, below `/sync`: with the node above, and with the nodes below.
//!
//! The decisions are those of `hedgeschool-replication`; the data is the stores'. This component
//! moves one to the other and holds no state: a round can end at any point and the next one goes
//! on. This file only routes; what answers is, by role:
//!
//! * `client`: rounds with the node above;
//! * `server`: what the nodes below are answered;
//! * `admin`: how the node stands, for operators;
//! * `checkpoint`: how far journals are sent and read;
//! * `peer`: this node and those below it;
//! * `store`: the stores behind their WIT.

mod admin;
mod checkpoint;
mod client;
mod error;
mod peer;
mod permit;
mod server;
mod store;

use std::time::Duration;

use hedgeschool_replication::timing::LINGER;
use hedgeschool_web::{Problem, Query, Reply, Request, StatusCode, answer, body, content_origin};
use serde::de::DeserializeOwned;
use spin_sdk::http_service;

use crate::admin::{conflicts, history, readiness, status};
use crate::client::round::run_round;
use crate::error::{Result, SyncError};
use crate::server::access::{check_may_operate, check_may_start_round};
use crate::server::{answer_pull, attachments, blobs, entries, records};

/// The longest that anybody may ask for, in seconds: below the request deadlines of hosts.
const LINGER_MAX_S: u64 = 20;
/// Largest body of a private request, in bytes.
const PRIVATE_BYTES_MAX: usize = 16_384;

#[http_service]
async fn handle(request: Request) -> Reply {
    answer(route(request).await.map_err(Problem::from))
}

async fn route(request: Request) -> Result<Reply> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/sync/") {
        content_origin::refuse_there(&request).await?;
        return route_public(request, &path).await;
    }
    // Outside `/sync`, so only other parts of the node get here.
    match (request.method().as_str(), path.as_str()) {
        ("POST", "/tick") => Ok(Reply::json(&run_round(LINGER).await?)?),
        ("POST", "/ready") => readiness::show_readiness().await,
        ("POST", "/follow") => records::take_follow(read_private(request).await?).await,
        ("POST", "/attachments") => attachments::bring_attachments(request).await,
        ("POST", "/status") => status::show_status().await,
        ("POST", "/metrics") => status::show_metrics().await,
        ("POST", "/observe") => history::observe(read_private(request).await?).await,
        ("POST", "/history") => history::show_history().await,
        ("POST", "/conflicts") => conflicts::show_page(read_private(request).await?).await,
        ("POST", "/settle") => conflicts::settle_conflict(read_private(request).await?).await,
        _ => Err(nothing_at(&path)),
    }
}

async fn route_public(request: Request, path: &str) -> Result<Reply> {
    match (request.method().as_str(), path) {
        ("POST", "/sync/v1/tick") => tick(&request).await,
        ("POST", "/sync/v1/entries") => log_refusal(path, entries::take_entries(request).await),
        ("POST", "/sync/v1/pull") => log_refusal(path, answer_pull(request).await),
        ("POST", "/sync/v1/record") => log_refusal(path, records::answer_record(request).await),
        ("POST", "/sync/v1/blobs") => log_refusal(path, blobs::answer_blobs(request).await),
        ("POST", "/sync/v1/attachment") => {
            log_refusal(path, attachments::answer_attachment(request).await)
        }
        ("GET", "/sync/v1/status") => {
            check_may_operate(request.headers()).await?;
            status::show_status().await
        }
        ("GET", "/sync/v1/metrics") => {
            check_may_operate(request.headers()).await?;
            status::show_metrics().await
        }
        ("GET", "/sync/v1/conflicts") => {
            check_may_operate(request.headers()).await?;
            conflicts::list_conflicts(&request).await
        }
        (
            _,
            "/sync/v1/tick"
            | "/sync/v1/entries"
            | "/sync/v1/pull"
            | "/sync/v1/record"
            | "/sync/v1/blobs"
            | "/sync/v1/attachment",
        ) => Err(Problem::method_not_allowed("POST").into()),
        (_, "/sync/v1/status" | "/sync/v1/metrics" | "/sync/v1/conflicts") => {
            Err(Problem::method_not_allowed("GET").into())
        }
        (method, path) => match (path.strip_prefix("/sync/v1/conflicts/"), method) {
            (Some(id), "POST") => {
                check_may_operate(request.headers()).await?;
                conflicts::settle_by_query(&request, id).await
            }
            (Some(_), _) => Err(Problem::method_not_allowed("POST").into()),
            (None, _) => Err(nothing_at(path)),
        },
    }
}

fn nothing_at(path: &str) -> SyncError {
    Problem::not_found(format!("there is nothing at {path}")).into()
}

/// Reads a private request's body.
async fn read_private<T: DeserializeOwned>(request: Request) -> Result<T> {
    Ok(body::json(request, PRIVATE_BYTES_MAX).await?)
}

/// Has the log tell of what nodes are refused: nobody sits at them who would.
fn log_refusal(path: &str, reply: Result<Reply>) -> Result<Reply> {
    reply.map_err(|error| {
        let problem = Problem::from(error);
        let is_usual =
            matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS);
        if problem.internal.is_some() || is_usual || !problem.status.is_client_error() {
            return problem.into();
        }
        let refusal = format!("refused at {path}: {}", problem.detail);
        Problem { internal: Some(refusal), ..problem }.into()
    })
}

/// `POST /sync/v1/tick?linger=SECONDS`, for hosts without a ticker.
async fn tick(request: &Request) -> Result<Reply> {
    check_may_start_round(request.headers()).await?;
    let seconds = read_linger(Query::of(request).get("linger"))?;
    history::observe_if_due().await?;
    Ok(Reply::json(&run_round(Duration::from_secs(seconds)).await?)?)
}

/// How long a round is asked to linger, in seconds.
fn read_linger(linger: Option<&str>) -> Result<u64> {
    let seconds = linger.unwrap_or("0").parse().ok();
    let rule =
        || Problem::bad_request(format!("linger is a number of seconds, at most {LINGER_MAX_S}"));
    Ok(seconds.filter(|seconds| *seconds <= LINGER_MAX_S).ok_or_else(rule)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_lingers_for_longer_than_hosts_wait() {
        assert_eq!(read_linger(None).ok(), Some(0));
        assert_eq!(read_linger(Some("20")).ok(), Some(20));
        for linger in ["21", "-1", "1.5", ""] {
            assert!(read_linger(Some(linger)).is_err(), "{linger:?}");
        }
    }

    #[test]
    fn what_nodes_are_refused_is_logged_unless_it_is_usual() {
        let logged = |error: SyncError| {
            let error = log_refusal("/there", Err(error)).err();
            error.and_then(|error| Problem::from(error).internal)
        };
        assert_eq!(
            logged(SyncError::Invalid("a rule".to_owned())).as_deref(),
            Some("refused at /there: a rule")
        );
        assert_eq!(logged(Problem::not_found("no blob").into()), None);
        assert_eq!(logged(SyncError::Busy), None);
        assert_eq!(logged(SyncError::Store("why".to_owned())).as_deref(), Some("why"));
    }
}
