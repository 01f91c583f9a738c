//! Applying what a node below sends.

use hedgeschool_credentials::Subject;
use hedgeschool_replication::{Applied, BODY_BYTES_MAX, Batch, WireError};
use hedgeschool_web::{HeaderMap, Problem, Reply, Request, StatusCode, body, identity};

use crate::store::journal;
use crate::store::types::{Entry, Error};

/// `POST /sync/v1/entries`: applies a batch, all or nothing, and answers how far the journal is applied.
pub async fn entries(request: Request) -> Result<Reply, Problem> {
    let node = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let batch = Batch::parse(&bytes).map_err(problem)?;
    if batch.node != node {
        let detail =
            format!("the token is that of node {node:?}, the batch of node {:?}", batch.node);
        return Err(Problem { internal: Some(detail.clone()), ..Problem::forbidden(detail) });
    }
    let entries = batch.entries.into_iter().map(Entry::from).collect();
    match journal::apply(node, batch.epoch, batch.after, entries).await {
        Ok(applied) => Reply::json(&Applied { applied }),
        Err(Error::Gap(applied)) => {
            Ok(Reply::json(&Applied { applied })?.with_status(StatusCode::CONFLICT))
        }
        Err(error) => Err(error.into()),
    }
}

/// The node whose token the request carries; 401 or 403 otherwise.
async fn sender(headers: &HeaderMap) -> Result<String, Problem> {
    match identity::verify_authorization(headers).await?.subject {
        Subject::Node { id } => Ok(id),
        _ => Err(Problem::forbidden("only nodes push entries: use a node's token")),
    }
}

impl From<hedgeschool_replication::Entry> for Entry {
    fn from(entry: hedgeschool_replication::Entry) -> Self {
        let payload = String::from(Box::<str>::from(entry.payload));
        Self { sequence: entry.sequence, kind: entry.kind, payload }
    }
}

fn problem(error: WireError) -> Problem {
    match error {
        WireError::TooMany => Problem::too_large(error.to_string()),
        other => Problem::bad_request(other.to_string()),
    }
}
