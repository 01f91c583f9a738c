//! The data of attachments that somebody here asks for: it comes from the nodes above.

use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_replication::wire::{ATTACHMENT_PATH, AttachmentRequest};
use hedgeschool_web::StatusCode;
use hedgeschool_xapi::multipart::sha2_like;

use crate::checkpoint::UpstreamState;
use crate::client::failure::Answer;
use crate::client::upstream::Upstream;
use crate::error::Result;
use crate::permit::Permit;
use crate::store::attachments;

/// How long somebody waits for all that was asked for: below the request deadlines of hosts.
pub const WAIT: Duration = Duration::from_secs(15);
/// Attachments that an instance fetches or sends at one time: each may be in memory.
const IN_FLIGHT_MAX: usize = 4;

thread_local! {
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
}

/// One of the permits to fetch or send an attachment, if there is one.
pub fn take_permit() -> Option<Permit> {
    Permit::try_take(&IN_FLIGHT, IN_FLIGHT_MAX)
}

/// Fetches what the nodes above have of these, as far as the link allows it within a moment.
pub async fn fetch_attachments(sha2s: Vec<String>) -> Result<()> {
    let deadline = Instant::now() + WAIT;
    for sha2 in sha2s {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !fetch_attachment(&sha2, left).await? {
            break;
        }
    }
    Ok(())
}

/// Fetches one from the node above. False: that one cannot be asked now.
pub async fn fetch_attachment(sha2: &str, within: Duration) -> Result<bool> {
    let Some(upstream) = Upstream::load_configured().await? else { return Ok(false) };
    let state = UpstreamState::load(&upstream.url).await?;
    let Some(_permit) = take_permit() else { return Ok(false) };
    if !state.is_reachable() {
        return Ok(false);
    }
    let request = AttachmentRequest { node: upstream.me.clone(), sha2: sha2.to_owned() };
    match upstream.post_message(ATTACHMENT_PATH, &request, within).await {
        Ok(answer) if answer.status == StatusCode::OK => {
            keep_attachment(sha2, &answer, &upstream).await?;
            Ok(true)
        }
        // It has none, or is of a release that does not send any.
        Ok(answer) => Ok(answer.status == StatusCode::NOT_FOUND),
        Err(failure) => {
            eprintln!("attachment {sha2} does not come: {failure}");
            Ok(false)
        }
    }
}

/// Keeps what came, if it is what was asked for.
async fn keep_attachment(sha2: &str, answer: &Answer, upstream: &Upstream) -> Result<()> {
    if sha2_like(sha2, &answer.body).as_deref() == Some(sha2) {
        return Ok(attachments::adopt(sha2.to_owned(), answer.body.to_vec()).await?);
    }
    eprintln!("attachment {sha2} came damaged from {}", upstream.url);
    Ok(())
}
