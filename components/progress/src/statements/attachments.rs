//! Statements with the data of their attachments (1.5.2): `multipart/mixed`, streamed, of known
//! length.

use std::collections::BTreeMap;

use hedgeschool_web::{Problem, Reply, StatusCode, inside, random_bytes};
use hedgeschool_xapi::Json;
use hedgeschool_xapi::multipart::{self, PartSize, Writer};
use serde_json::json;
use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::{StreamWriter, spawn};

use crate::store::attachments;

/// Most attachments that the store is asked for at once.
const LENGTHS_MAX: usize = 1_000;

/// An attachment that the store has the data of.
struct Attachment {
    sha2: String,
    content_type: String,
    bytes: u64,
}

/// The answer `body` with the data of the attachments of these statements, each once.
///
/// # Errors
/// The store failed.
pub async fn with_data(body: String, statements: &[String]) -> Result<Reply, Problem> {
    let writer = Writer::new(random_bytes());
    let attachments = find_held(statements).await?;
    let sizes = attachments.iter().map(|attachment| PartSize {
        sha2: &attachment.sha2,
        content_type: &attachment.content_type,
        bytes: attachment.bytes,
    });
    let length = writer.length(body.len() as u64, sizes);
    let content_type = writer.content_type();
    let (sink, stream) = wit_stream::new::<u8>();
    spawn(write_answer(sink, writer, body, attachments));
    let reply = Reply::stream(StatusCode::OK, length, stream);
    Ok(reply.with_header("content-type", &content_type))
}

/// The attachments of statements, by hash, that the store has or that nodes above have.
async fn find_held(statements: &[String]) -> Result<Vec<Attachment>, Problem> {
    let mut held = Vec::new();
    let wanted: Vec<_> = content_types(statements)?.into_iter().collect();
    for some in wanted.chunks(LENGTHS_MAX) {
        let hashes = some.iter().map(|(sha2, _)| sha2.clone()).collect();
        let lengths = find_lengths(hashes).await?;
        let found = some.iter().zip(lengths).filter_map(|((sha2, content_type), bytes)| {
            let (sha2, content_type) = (sha2.clone(), content_type.clone());
            Some(Attachment { sha2, content_type, bytes: bytes? })
        });
        held.extend(found);
    }
    Ok(held)
}

/// The attachments of statements: the type of each by its hash in lower case.
fn content_types(statements: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let mut types = BTreeMap::new();
    for statement in statements {
        let statement = Json::parse(statement).map_err(Problem::internal)?;
        for attachment in multipart::attachments(&statement) {
            let content_type = attachment.content_type.to_owned();
            types.insert(attachment.sha2.to_ascii_lowercase(), content_type);
        }
    }
    Ok(types)
}

/// How many bytes each has that is here, or comes from above within a moment.
async fn find_lengths(hashes: Vec<String>) -> Result<Vec<Option<u64>>, Problem> {
    let lengths = attachments::lengths(hashes.clone()).await?;
    let missing = hashes.iter().zip(&lengths).filter(|(_, length)| length.is_none());
    let missing: Vec<_> = missing.map(|(sha2, _)| sha2).collect();
    if missing.is_empty() {
        return Ok(lengths);
    }
    // What is here is answered in any case.
    let fetched = inside::ask::<_, ()>("sync", "/attachments", &json!({ "sha2s": missing })).await;
    if let Err(problem) = fetched {
        eprintln!("attachments are not fetched: {problem:?}");
    }
    Ok(attachments::lengths(hashes).await?)
}

/// Writes the answer, one piece of an attachment at a time. It ends early if the reader goes, or
/// the store fails, which the reader sees by the length.
async fn write_answer(
    mut sink: StreamWriter<u8>,
    writer: Writer,
    body: String,
    attachments: Vec<Attachment>,
) {
    let mut head = writer.head();
    head.extend_from_slice(body.as_bytes());
    if !sink.write_all(head).await.is_empty() {
        return;
    }
    for attachment in attachments {
        let head = writer.part_head(&attachment.sha2, &attachment.content_type);
        if !sink.write_all(head).await.is_empty() || !copy_data(&mut sink, &attachment).await {
            return;
        }
    }
    sink.write_all(writer.tail()).await;
}

/// Copies an attachment's data; answers whether all of it could be.
async fn copy_data(sink: &mut StreamWriter<u8>, attachment: &Attachment) -> bool {
    let mut start = 0;
    while start < attachment.bytes {
        let piece = match attachments::read(attachment.sha2.clone(), start).await {
            Ok(piece) if !piece.is_empty() => piece,
            Ok(_) => return false,
            Err(error) => {
                eprintln!("attachment {} ends early at byte {start}: {error}", attachment.sha2);
                return false;
            }
        };
        start += piece.len() as u64;
        if !sink.write_all(piece).await.is_empty() {
            return false;
        }
    }
    true
}
