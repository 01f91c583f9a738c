//! The data of attachments, which goes up with the statements that claim it, and comes down only
//! where somebody asks for it.

use hedgeschool_replication::wire::{AttachmentRequest, BODY_BYTES_MAX};
use hedgeschool_web::{Problem, Reply, Request, StatusCode, body};
use serde::Deserialize;
use spin_sdk::wit_bindgen::{StreamWriter, spawn};

use crate::client::attachments::{WAIT, fetch_attachment, fetch_attachments, take_permit};
use crate::error::Result;
use crate::server::access::{check_same_node, find_sender};
use crate::store::{attachments, wit_stream};

/// Largest question of another component, in bytes.
const QUESTION_BYTES_MAX: usize = 262_144;

/// Which data is asked for.
#[derive(Deserialize)]
struct Wanted {
    sha2s: Vec<String>,
}

/// `POST /attachments`, private: fetches what the nodes above have of these, as far as the link
/// allows it within a moment.
pub async fn bring_attachments(request: Request) -> Result<Reply> {
    let Wanted { sha2s } = body::json(request, QUESTION_BYTES_MAX).await?;
    fetch_attachments(sha2s).await?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST /sync/v1/attachment`: the data of an attachment, which may be further up.
pub async fn answer_attachment(request: Request) -> Result<Reply> {
    let sender = find_sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let AttachmentRequest { node, sha2 } = AttachmentRequest::parse(&bytes)?;
    check_same_node(&sender, &node)?;
    let mut held = find_length(&sha2).await?;
    if held.is_none() {
        fetch_attachment(&sha2, WAIT).await?;
        held = find_length(&sha2).await?;
    }
    let missing = || Problem::not_found(format!("there is no attachment {sha2} here"));
    let length = held.ok_or_else(missing)?;
    let Some(permit) = take_permit() else {
        let busy = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many at once: try again");
        return Err(busy.with_header("retry-after", "1").into());
    };
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(async move {
        write_attachment(writer, sha2, length).await;
        drop(permit);
    });
    Ok(Reply::stream(StatusCode::OK, length, reader))
}

async fn find_length(sha2: &str) -> Result<Option<u64>> {
    let lengths = attachments::lengths(vec![sha2.to_owned()]).await?;
    Ok(lengths.into_iter().next().flatten())
}

/// Writes all of it. A stream that ends early is how the reader learns that it could not be read.
async fn write_attachment(mut writer: StreamWriter<u8>, sha2: String, length: u64) {
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
