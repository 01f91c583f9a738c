//! The node above, over HTTP.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{Either, select};
use hedgeschool_web::{HeaderMap, Problem, StatusCode, header, settings, trace};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::FullBody;
use spin_sdk::http::body::IncomingBodyExt;

/// The pause when an upstream asks for one without saying how long.
const PAUSE: Duration = Duration::from_secs(5);
/// Bytes of an answer that the log gets to see.
const EXCERPT_CHARACTERS: usize = 200;

/// The node above, and who this node is to it.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Scheme, host and port, without a slash at the end.
    pub url: String,
    /// This node's `node_id`.
    pub me: String,
    /// This node's token there.
    token: String,
    /// The trace that what is sent to it is part of.
    trace: Option<String>,
}

/// Why there is no answer, or none that helps.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The upstream asks to be left alone for so long.
    Busy(Duration),
    /// It refuses, and will again.
    Refused(StatusCode, String),
    /// It could not be reached, or failed.
    Down(String),
}

impl Failure {
    /// What an operator can do about it.
    pub fn advice(&self) -> &'static str {
        let Self::Refused(status, _) = self else {
            return match self {
                Self::Busy(_) => {
                    "Nothing is to be done: this node goes on when the upstream has time."
                }
                _ => {
                    "Check this node's network and clock, and that the address (upstream_url) is \
                     right and the node there runs. It is tried again by itself, and nothing is \
                     lost meanwhile."
                }
            };
        };
        match status.as_u16() {
            401 => {
                "The upstream does not know this node's token: make upstream_token here and \
                 bootstrap_nodes there agree."
            }
            403 => {
                "Check that the token (upstream_token) is the one that the upstream has for this \
                 node's node_id."
            }
            404 => {
                "Nothing replicates at this address: check upstream_url, and that both nodes run \
                 the same version."
            }
            409 => "Check the clocks of both nodes.",
            _ => {
                "Check that both nodes run the same version; the upstream's log says what it \
                 refused."
            }
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy(pause) => write!(f, "the upstream is busy and asks for {pause:?}"),
            Self::Refused(status, text) => write!(f, "the upstream refuses: {status} {text}"),
            Self::Down(reason) => f.write_str(reason),
        }
    }
}

/// An answer as it came.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Upstream {
    /// The upstream of the node's settings. None: it has none, or replication is switched off.
    pub async fn configured() -> Result<Option<Self>, Problem> {
        let url = settings::text("upstream_url").await?.trim_end_matches('/').to_owned();
        if url.is_empty() || !settings::is_on("sync_enabled").await? {
            return Ok(None);
        }
        let me = settings::text("node_id").await?;
        Ok(Some(Self { url, me, token: settings::text("upstream_token").await?, trace: None }))
    }

    /// The same, for messages that are part of a trace.
    pub fn in_trace(&self, trace: Option<String>) -> Self {
        Self { trace, ..self.clone() }
    }

    /// Sends a message and reads the answer to it.
    pub async fn ask<A: DeserializeOwned>(
        &self,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Result<A, Failure> {
        let answer = self.post(path, message, within).await?;
        if answer.status != StatusCode::OK {
            return Err(failure(&answer));
        }
        let parsed = serde_json::from_slice(&answer.body);
        parsed.map_err(|error| Failure::Down(format!("{}{path} answered {error}", self.url)))
    }

    /// Sends a message and answers whatever comes back.
    pub async fn post(
        &self,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Result<Answer, Failure> {
        let whole = async {
            let response = self.send(path, message).await?;
            let (head, body) = response.into_parts();
            let body = body.bytes().await.map_err(|error| self.down(path, error))?;
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        self.within(path, within, whole).await
    }

    /// Sends a message and answers the response before its body.
    pub async fn send(
        &self,
        path: &str,
        message: &impl Serialize,
    ) -> Result<spin_sdk::http::Response, Failure> {
        let body = serde_json::to_vec(message).map_err(|error| self.down(path, error))?;
        let body = Bytes::from(body);
        let request = http::Request::post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("content-length", body.len());
        let request = match &self.trace {
            Some(trace) => request.header(trace::TRACEPARENT, trace),
            None => request,
        };
        let request = request
            .body(FullBody::new(body))
            .map_err(|error| self.down(path, format!("upstream_url: {error}")))?;
        spin_sdk::http::send(request).await.map_err(|error| self.down(path, error))
    }

    /// Waits for something no longer than this.
    pub async fn within<T>(
        &self,
        path: &str,
        limit: Duration,
        awaited: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let late = spin_sdk::time::sleep(limit).boxed_local();
        match select(awaited.boxed_local(), late).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(self.down(path, "no answer in time")),
        }
    }

    /// What a failure of the link is told as.
    pub fn down(&self, path: &str, error: impl std::fmt::Display) -> Failure {
        Failure::Down(format!("{}{path}: {error}", self.url))
    }
}

/// What an answer that is no success means.
pub fn failure(answer: &Answer) -> Failure {
    let text: String =
        String::from_utf8_lossy(&answer.body).chars().take(EXCERPT_CHARACTERS).collect();
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = header(&answer.headers, "retry-after").and_then(|text| text.parse().ok());
            Failure::Busy(seconds.map_or(PAUSE, Duration::from_secs))
        }
        status if status.is_client_error() => Failure::Refused(status, text),
        status => Failure::Down(format!("the upstream failed: {status} {text}")),
    }
}
