//! The way to a collector.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use opentelemetry_http::HttpError;
use tokio::runtime::Runtime;

use crate::client::{HttpClient, http_client};

/// How long it may take to reach a collector, and to be answered.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A collector, asked by a thread of its own: what is sent to it takes no time from requests.
#[derive(Debug)]
pub struct Collector {
    /// What is sent.
    signal: &'static str,
    client: HttpClient<Full<Bytes>>,
    /// None: it has ended.
    runtime: Option<Runtime>,
    is_failing: AtomicBool,
}

impl Collector {
    /// Connects when there is something to send.
    pub fn new(signal: &'static str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = http_client(CONNECT_MAX, true)?;
        Ok(Self { signal, client, runtime: Some(runtime), is_failing: AtomicBool::new(false) })
    }

    async fn send_request(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.client.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    /// A collector can be away for days: only a change is logged.
    fn note_change(&self, failure: Option<&dyn std::fmt::Display>) {
        let (signal, was_failing) = (self.signal, &self.is_failing);
        match (failure, was_failing.swap(failure.is_some(), Ordering::Relaxed)) {
            (Some(reason), false) => {
                tracing::warn!("the collector takes no {signal}, which are dropped: {reason}");
            }
            (None, true) => tracing::info!("the collector takes {signal} again"),
            _ => {}
        }
    }
}

#[async_trait]
impl opentelemetry_http::HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let runtime = self.runtime.as_ref().ok_or("it has ended")?;
        // Blocks: OpenTelemetry asks on a thread that does nothing else.
        let sent = runtime.block_on(async {
            tokio::time::timeout(ANSWER_MAX, self.send_request(request))
                .await
                .unwrap_or_else(|late| Err(late.into()))
        });
        match &sent {
            Ok(response) if response.status().is_success() => self.note_change(None),
            Ok(response) => self.note_change(Some(&response.status())),
            Err(error) => self.note_change(Some(error)),
        }
        sent
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
