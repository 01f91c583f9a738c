//! Asking other components of the app, at routes that no request from outside can reach.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use spin_sdk::http::FullBody;
use spin_sdk::http::body::IncomingBodyExt;

use crate::{Problem, StatusCode};

/// Asks a component a private question, JSON to JSON. An answer without content is JSON's null.
/// Refusals come back as the component made them.
///
/// # Errors
/// 503 if the component is busy; its own refusals, 400 to 499; 500 if it fails, cannot be reached
/// or answers something else.
pub async fn ask<Q: Serialize, A: for<'a> Deserialize<'a>>(
    component: &str,
    path: &str,
    question: &Q,
) -> Result<A, Problem> {
    let body = serde_json::to_vec(question).map_err(Problem::internal)?;
    let request = http::Request::post(format!("http://{component}.spin.internal{path}"))
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .body(FullBody::new(Bytes::from(body)))
        .map_err(Problem::internal)?;
    let failed = |reason: String| Problem::internal(format!("{component}{path}: {reason}"));
    let response =
        spin_sdk::http::send(request).await.map_err(|error| failed(error.to_string()))?;
    let status = response.status();
    let answer = response.into_body().bytes().await.map_err(|error| failed(error.to_string()))?;
    let answer: &[u8] = if status == StatusCode::NO_CONTENT { b"null" } else { &answer };
    match status {
        StatusCode::SERVICE_UNAVAILABLE => Err(Problem::busy()),
        status if status.is_success() => {
            serde_json::from_slice(answer).map_err(|error| failed(error.to_string()))
        }
        status if status.is_client_error() => Err(read_refusal(status, answer)),
        _ => Err(failed(format!("{status} {}", String::from_utf8_lossy(answer)))),
    }
}

fn read_refusal(status: StatusCode, answer: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Refusal {
        detail: String,
    }
    let refusal: Result<Refusal, _> = serde_json::from_slice(answer);
    Problem::new(status, refusal.map(|refusal| refusal.detail).unwrap_or_default())
}
