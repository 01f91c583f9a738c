//! Batches of nodes below, as they come over HTTP.

use std::cell::Cell;

use hedgeschool_replication::timing::{APPLYING_BYTES_MAX, BUSY_PAUSE};
use hedgeschool_replication::wire::{BODY_BYTES_MAX, Batch};
use hedgeschool_web::{HeaderMap, Problem, Reply, Request, StatusCode, body, header};

use crate::error::Result;
use crate::permit::Permit;
use crate::server::access::{check_same_node, find_journal, find_sender};
use crate::server::apply::apply_batch;
use crate::server::ingest::{Ticket, find_queue, submit_batch};

thread_local! {
    static APPLYING_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// `POST /sync/v1/entries`: applies a batch, all or nothing, and answers how far the journal is
/// applied.
pub async fn take_entries(request: Request) -> Result<Reply> {
    let sender = find_sender(request.headers()).await?;
    let permit = take_permit(request.headers())?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let batch = Batch::parse(&bytes)?;
    check_same_node(&sender, &batch.node)?;
    let journal = find_journal(&batch.journal)?;
    let batch = match find_queue().await? {
        None => batch,
        Some(queue) => {
            let ticket = Ticket::of(journal, &batch);
            drop(batch);
            if let Some(queued) = submit_batch(queue, ticket, &bytes).await? {
                drop((bytes, permit));
                return queued.answer().await;
            }
            Batch::parse(&bytes)?
        }
    };
    drop(bytes);
    let (status, applied) = apply_batch(journal, batch).await?;
    Ok(Reply::json(&applied)?.with_status(status))
}

/// The permit for a request's bytes; 429 if there are too many in this instance.
fn take_permit(headers: &HeaderMap) -> Result<Permit> {
    let length = header(headers, "content-length").and_then(|text| text.parse().ok());
    let length: usize = length.unwrap_or(BODY_BYTES_MAX);
    let permit = Permit::try_take_many(&APPLYING_BYTES, length, APPLYING_BYTES_MAX);
    let busy = || {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too much at once: try again");
        problem.with_header("retry-after", BUSY_PAUSE.as_secs().to_string())
    };
    Ok(permit.ok_or_else(busy)?)
}
