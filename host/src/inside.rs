//! Requests of the host itself to the application's components.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use serde::Deserialize;
use wasmtime_wasi_http::WasiBody;

use crate::runtime::dispatch::Dispatch;
use crate::server::Directory;

/// The component that is asked whether the application can work here.
const READY_COMPONENT: &str = "sync";
const READY: &str = "/ready";
/// Bytes of a reply: figures of some hundred nodes.
const REPLY_MAX: usize = 1 << 20;
/// How long a reply's body may take after its head.
const REPLY_TIME_MAX: Duration = Duration::from_secs(30);

/// Sends a `POST` to a component, in memory, and answers the body of its reply.
///
/// # Errors
/// When there is no such component, it fails, or its reply is no success; says what it said.
pub async fn post_to(
    directory: &Directory,
    component: &str,
    path: &str,
    body: Bytes,
) -> Result<Bytes> {
    let (status, body) = send_post(directory, component, path, body).await?;
    ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body).trim());
    Ok(body)
}

async fn send_post(
    directory: &Directory,
    component: &str,
    path: &str,
    body: Bytes,
) -> Result<(StatusCode, Bytes)> {
    let body: WasiBody = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let uri = format!("http://{component}.spin.internal{path}");
    let request = Request::builder().method(Method::POST).uri(uri).body(body)?;
    let response = directory.dispatch_to(component, request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), REPLY_MAX).collect();
    let body = tokio::time::timeout(REPLY_TIME_MAX, body).await.context("the reply stalled")?;
    let body = body.map_err(|error| anyhow!(error).context("the reply broke off"))?.to_bytes();
    Ok((status, body))
}

/// What a component says of whether the application can work here.
#[derive(Deserialize)]
struct Readiness {
    /// Why it never can; nothing if it can.
    refused: Vec<String>,
}

/// Why the application can never work with the databases that are here; None if it can, or if it
/// has nobody who would know. What may pass, such as a full disk, keeps no node from starting.
pub async fn startup_refusal(directory: &Directory) -> Option<String> {
    let asked = send_post(directory, READY_COMPONENT, READY, Bytes::new()).await;
    let (_, body) = asked.ok().filter(|(status, _)| status.is_success())?;
    let refused = serde_json::from_slice::<Readiness>(&body).ok()?.refused;
    (!refused.is_empty()).then(|| refused.join("; "))
}

/// Whether the application can answer from its databases, as far as anybody in it knows. Neither a
/// full disk nor a link that is down makes it ill: courses are served all the same.
pub async fn is_well(directory: &Directory) -> bool {
    match send_post(directory, READY_COMPONENT, READY, Bytes::new()).await {
        Ok((StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _)) => true,
        Ok((status, body)) => {
            let readiness = serde_json::from_slice::<Readiness>(&body);
            status.is_success() && readiness.is_ok_and(|readiness| readiness.refused.is_empty())
        }
        Err(error) => error.downcast_ref().is_some_and(is_absent),
    }
}

/// Whether there is no such component.
fn is_absent(error: &wasmtime_wasi_http::Error) -> bool {
    matches!(error, wasmtime_wasi_http::Error::DestinationNotFound)
}
