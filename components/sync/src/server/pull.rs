use std::time::{Duration, Instant};

use hedgeschool_replication::wire::{BODY_BYTES_MAX, Pull, WAIT_MS_MAX};
use hedgeschool_web::{Reply, Request, body};

use crate::error::Result;
use crate::peer::record_heartbeat;
use crate::server::access::{check_same_node, find_sender};
use crate::server::feeds::read_answer;
use crate::server::long_polls::{Watch, answer_later};

/// `POST /sync/v1/pull`: what this node has of and for the asking one; waits for news if asked to.
pub async fn answer_pull(request: Request) -> Result<Reply> {
    let sender = find_sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let pull = Pull::parse(&bytes)?;
    check_same_node(&sender, &pull.node)?;
    record_heartbeat(&pull).await?;
    let wait = Duration::from_millis(pull.wait_ms.min(WAIT_MS_MAX));
    let watch = if wait.is_zero() { None } else { Watch::begin(&pull).await? };
    let (pulled, is_news) = read_answer(&pull).await?;
    match watch {
        Some(watch) if !is_news => Ok(answer_later(pull, pulled, watch, Instant::now() + wait)),
        _ => Ok(Reply::json(&pulled)?),
    }
}
