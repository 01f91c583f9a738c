//! A running node, as commands reach it.

use std::fmt::Display;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http::response::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;

use crate::client::{HttpClient, http_client};

const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Which node, and who asks.
#[derive(Debug, Args)]
pub struct Node {
    /// The node's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000", env = "HEDGE_URL")]
    url: String,
    /// An administrator's name and password, or an xAPI client's key and secret
    #[arg(
        long,
        value_name = "NAME:PASSWORD",
        env = "HEDGE_USER",
        hide_env_values = true,
        value_parser = parse_user
    )]
    user: String,
}

/// Why a node does not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum NodeFailure {
    /// There is nobody at the address.
    #[error("{0}; is the node running (`hedge up`)?")]
    Absent(String),
    /// The connection broke, or the answer takes too long.
    #[error("{0}")]
    Lost(String),
    /// The node asks to come back, perhaps after a while.
    #[error("{0}")]
    Busy(String, Option<Duration>),
    /// The node does not want to, and will not.
    #[error("{0}")]
    Refused(String),
}

/// Lets through what is a name and a password.
pub fn parse_user(text: &str) -> Result<String> {
    ensure!(text.contains(':'), "expected a name and a password with a colon between them");
    Ok(text.to_owned())
}

impl Node {
    /// A node at an address, asked by `name:password`.
    pub fn new(url: String, user: String) -> Self {
        Self { url, user }
    }

    /// The node's address, without a slash at its end.
    pub fn url(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// Sends a request with JSON, and reads the JSON of the answer.
    ///
    /// # Errors
    /// As [`Node::request_json`].
    pub fn send_json(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        self.request_json(method, path, Some(("application/json", serde_json::to_vec(body)?)))
    }

    /// Sends a request, with a body of a media type if there is one, and reads the JSON of the
    /// answer; of one without a body, null.
    ///
    /// # Errors
    /// When no node answers, or it refuses; then the error is what it says.
    pub fn request_json(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async {
            let response = self
                .send_request(&self.new_client()?, self.build_request(method, path, body)?)
                .await?;
            let (head, body) = response.into_parts();
            let body =
                body.collect().await.map_err(|error| self.broken_failure(&error))?.to_bytes();
            self.check_accepted(&head, &body)?;
            anyhow::Ok(body)
        })?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).with_context(|| format!("{} did not answer JSON", self.url))
    }

    /// Connections to nodes, to be used again.
    ///
    /// # Errors
    /// As [`http_client`].
    pub fn new_client(&self) -> Result<HttpClient<Full<Bytes>>> {
        http_client(CONNECT_MAX, true)
    }

    /// A request with the credentials.
    ///
    /// # Errors
    /// When the address and the path make no URL.
    pub fn build_request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url()))
            .header("authorization", format!("Basic {}", STANDARD.encode(&self.user)));
        if let Some((media_type, _)) = body {
            request = request.header("content-type", media_type);
        }
        let bytes = body.map_or_else(Bytes::new, |(_, bytes)| bytes.into());
        request.body(Full::new(bytes)).with_context(|| format!("--url {}", self.url))
    }

    /// Sends a request; answers as soon as the answer begins.
    ///
    /// # Errors
    /// [`NodeFailure::Absent`] and [`NodeFailure::Lost`].
    pub async fn send_request(
        &self,
        client: &HttpClient<Full<Bytes>>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NodeFailure> {
        client.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            if error.is_connect() {
                return NodeFailure::Absent(format!("{}: {cause}", self.url));
            }
            self.broken_failure(&cause)
        })
    }

    /// The failure of a connection that was there, and why.
    pub fn lost_failure(&self, reason: &dyn Display) -> NodeFailure {
        NodeFailure::Lost(format!("{}: {reason}", self.url))
    }

    /// The same, of one that broke.
    pub fn broken_failure(&self, reason: &dyn Display) -> NodeFailure {
        self.lost_failure(&format_args!("the connection broke: {reason}"))
    }

    /// Whether an answer is what was asked for.
    ///
    /// # Errors
    /// [`NodeFailure::Busy`] and [`NodeFailure::Refused`], with what the node says.
    pub fn check_accepted(&self, head: &Parts, body: &[u8]) -> Result<(), NodeFailure> {
        let status = head.status;
        if status.is_success() {
            return Ok(());
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(NodeFailure::Refused(format!(
                "{} does not know this name and password: check --user",
                self.url
            )));
        }
        let problem: Option<Value> = serde_json::from_slice(body).ok();
        let detail = problem.as_ref().and_then(|json| json.get("detail")).and_then(Value::as_str);
        let detail = detail.unwrap_or("it did not say why");
        let what = format!("{} refused ({status}): {detail}", self.url);
        Err(if matches!(status.as_u16(), 429 | 502..=504) {
            NodeFailure::Busy(what, retry_after(head))
        } else {
            NodeFailure::Refused(what)
        })
    }
}

/// How long a node wants to be left alone (RFC 9110, 10.2.3), if it says so in seconds.
fn retry_after(head: &Parts) -> Option<Duration> {
    let seconds = head.headers.get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
