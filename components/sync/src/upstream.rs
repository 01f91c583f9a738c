//! The node above, over HTTP.

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{Either, select};
use hedgeschool_replication::{Applied, Batch, ENTRIES_PATH, Outcome};
use hedgeschool_web::{Problem, StatusCode, header};
use spin_sdk::http::FullBody;
use spin_sdk::http::body::IncomingBodyExt;

/// How long to wait for the answer to a batch. A link that is slower than this for a megabyte is down.
const ANSWER: Duration = Duration::from_secs(20);
/// The pause when an upstream asks for one without saying how long, in seconds.
const PAUSE_S: u64 = 5;

/// The node above, and who this node is to it.
pub struct Upstream {
    /// Scheme, host and port, without a slash at the end.
    pub url: String,
    /// This node's `node_id`.
    pub node_id: String,
    /// This node's token there.
    pub token: String,
}

impl Upstream {
    /// Under which name the store remembers how far this upstream is.
    pub fn name(&self) -> String {
        self.url.clone()
    }

    /// Sends a batch and reads what became of it.
    pub async fn send(&self, batch: &Batch) -> Result<Outcome, Problem> {
        let body = Bytes::from(serde_json::to_vec(batch).map_err(Problem::internal)?);
        let request = http::Request::post(format!("{}{ENTRIES_PATH}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .body(FullBody::new(body))
            .map_err(|error| Problem::internal(format!("upstream_url {:?}: {error}", self.url)))?;
        let answer = exchange(request).boxed_local();
        let late = spin_sdk::time::sleep(ANSWER).boxed_local();
        Ok(match select(answer, late).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Failed(format!("{} did not answer in time", self.url)),
        })
    }
}

async fn exchange(request: http::Request<FullBody<Bytes>>) -> Outcome {
    let url = request.uri().to_string();
    let response = match spin_sdk::http::send(request).await {
        Ok(response) => response,
        Err(error) => return Outcome::Failed(format!("{url}: {error}")),
    };
    let status = response.status();
    let retry_after = header(response.headers(), "retry-after").and_then(|text| text.parse().ok());
    let body = match response.into_body().bytes().await {
        Ok(body) => body,
        Err(error) => return Outcome::Failed(format!("{url}: {error}")),
    };
    let applied = serde_json::from_slice::<Applied>(&body).map(|answer| answer.applied);
    match (status, applied) {
        (StatusCode::OK, Ok(applied)) => Outcome::Applied(applied),
        (StatusCode::CONFLICT, Ok(applied)) => Outcome::Gap(applied),
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
            Outcome::Busy { retry_after_s: retry_after.unwrap_or(PAUSE_S) }
        }
        _ => Outcome::Failed(format!("{url}: {status} {}", excerpt(&body))),
    }
}

/// The start of an answer, for the log.
fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}
