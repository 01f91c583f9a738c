//! The node above, over HTTP.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{Either, select};
use hedgeschool_web::{StatusCode, settings, trace};
use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::http::FullBody;
use spin_sdk::http::body::IncomingBodyExt;

use crate::client::failure::{Answer, Reached, UpstreamFailure};
use crate::error::Result;

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

impl Upstream {
    /// The upstream of the node's settings. None: it has none, or replication is switched off.
    pub async fn load_configured() -> Result<Option<Self>> {
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
    pub async fn ask_json<A: DeserializeOwned>(
        &self,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Reached<A> {
        let answer = self.post_message(path, message, within).await?;
        if answer.status != StatusCode::OK {
            return Err(UpstreamFailure::from(&answer));
        }
        let parsed = serde_json::from_slice(&answer.body);
        parsed
            .map_err(|error| UpstreamFailure::Down(format!("{}{path} answered {error}", self.url)))
    }

    /// Sends a message and answers whatever comes back.
    pub async fn post_message(
        &self,
        path: &str,
        message: &impl Serialize,
        within: Duration,
    ) -> Reached<Answer> {
        let whole = async {
            let response = self.send_message(path, message).await?;
            let (head, body) = response.into_parts();
            let body = body.bytes().await.map_err(|error| self.link_failure(path, error))?;
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        self.wait_within(path, within, whole).await
    }

    /// Sends a message and answers the response before its body.
    pub async fn send_message(
        &self,
        path: &str,
        message: &impl Serialize,
    ) -> Reached<spin_sdk::http::Response> {
        let body = serde_json::to_vec(message).map_err(|error| self.link_failure(path, error))?;
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
            .map_err(|error| self.link_failure(path, format!("upstream_url: {error}")))?;
        spin_sdk::http::send(request).await.map_err(|error| self.link_failure(path, error))
    }

    /// Waits for something no longer than this.
    pub async fn wait_within<T>(
        &self,
        path: &str,
        limit: Duration,
        awaited: impl Future<Output = Reached<T>>,
    ) -> Reached<T> {
        let late = spin_sdk::time::sleep(limit).boxed_local();
        match select(awaited.boxed_local(), late).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(self.link_failure(path, "no answer in time")),
        }
    }

    /// What a failure of the link is told as.
    pub fn link_failure(&self, path: &str, error: impl std::fmt::Display) -> UpstreamFailure {
        UpstreamFailure::Down(format!("{}{path}: {error}", self.url))
    }
}
