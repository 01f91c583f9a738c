//! The data of attachments goes up with the statements that claim it, and comes down only where
//! somebody asks for it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_replication::wire::{ATTACHMENT_PATH, AttachmentInquiry, BODY_BYTES_MAX};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use hedgeschool_xapi::multipart::sha2_like;
use serde::Deserialize;
use spin_sdk::wit_bindgen::{StreamWriter, spawn};

use crate::link::Link;
use crate::place::Place;
use crate::serve::{refused, same_node, sender};
use crate::stores::{Error, attachments, wit_stream};
use crate::upstream::Upstream;

/// How long somebody waits for all that was asked for: below the request deadlines of hosts.
const WITHIN: Duration = Duration::from_secs(15);
/// Attachments that an instance fetches or sends at one time: each may be in memory.
const UNDERWAY_MAX: usize = 4;
/// Largest question of another component, in bytes.
const QUESTION_BYTES_MAX: usize = 262_144;

thread_local! {
    static UNDERWAY: Cell<usize> = const { Cell::new(0) };
}

/// Which data is asked for.
#[derive(Deserialize)]
struct Wanted {
    sha2s: Vec<String>,
}

/// `POST /attachments`, private: fetches what the nodes above have of these, as far as the link
/// allows it within a moment.
pub async fn fetch(request: Request) -> Result<Reply, Problem> {
    let Wanted { sha2s } = body::json(request, QUESTION_BYTES_MAX).await?;
    let deadline = Instant::now() + WITHIN;
    for sha2 in sha2s {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || !bring(&sha2, left).await? {
            break;
        }
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Fetches one from the node above. False: that one cannot be asked now.
async fn bring(sha2: &str, within: Duration) -> Result<bool, Problem> {
    let Some(upstream) = Upstream::configured().await? else { return Ok(false) };
    let link = Link::load(&upstream.url).await?;
    let Some(_place) = Place::take(&UNDERWAY, UNDERWAY_MAX) else { return Ok(false) };
    if link.node.is_empty() || link.failing_since.is_some() {
        return Ok(false);
    }
    let inquiry = AttachmentInquiry { node: upstream.me.clone(), sha2: sha2.to_owned() };
    match upstream.post(ATTACHMENT_PATH, &inquiry, within).await {
        Ok(answer) if answer.status == StatusCode::OK => {
            if sha2_like(sha2, &answer.body).as_deref() == Some(sha2) {
                let data = answer.body.to_vec();
                attachments::adopt(sha2.to_owned(), data).await.map_err(Error::from)?;
            } else {
                eprintln!("attachment {sha2} came damaged from {}", upstream.url);
            }
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

/// `POST /sync/v1/attachment`: the data of an attachment, which may be further up.
pub async fn serve(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let AttachmentInquiry { node, sha2 } = AttachmentInquiry::parse(&bytes).map_err(refused)?;
    same_node(&sender, &node)?;
    let mut held = length(&sha2).await?;
    if held.is_none() {
        bring(&sha2, WITHIN).await?;
        held = length(&sha2).await?;
    }
    let missing = || Problem::not_found(format!("there is no attachment {sha2} here"));
    let length = held.ok_or_else(missing)?;
    let Some(place) = Place::take(&UNDERWAY, UNDERWAY_MAX) else {
        let busy = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many at once: try again");
        return Err(busy.with_header("retry-after", "1"));
    };
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(async move {
        write(writer, sha2, length).await;
        drop(place);
    });
    Ok(Reply::stream(StatusCode::OK, length, reader))
}

async fn length(sha2: &str) -> Result<Option<u64>, Problem> {
    let lengths = attachments::lengths(vec![sha2.to_owned()]).await.map_err(Error::from)?;
    Ok(lengths.into_iter().next().flatten())
}

/// Writes all of it. A stream that ends early is how the reader learns that it could not be read.
async fn write(mut writer: StreamWriter<u8>, sha2: String, length: u64) {
    let mut start = 0;
    while start < length {
        let piece = match attachments::read(sha2.clone(), start).await {
            Ok(piece) if !piece.is_empty() => piece,
            _ => return eprintln!("attachment {sha2} could not be read from byte {start}"),
        };
        start += piece.len() as u64;
        if !writer.write_all(piece).await.is_empty() {
            return;
        }
    }
}
