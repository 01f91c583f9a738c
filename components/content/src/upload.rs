//! `/content/v1/uploads`: files on their way here, to be imported, by tus 1.0.0
//! (<https://tus.io/protocols/resumable-upload>), with its extensions for creating and ending them.
//!
//! Each piece of a body is durable as it comes, so that a connection which breaks costs what was
//! on its way.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hedgeschool_web::{
    HeaderMap, Method, Problem, Reply, Request, StatusCode, body, header, random_bytes,
};
use serde_json::json;
use spin_sdk::wit_bindgen::spawn;

use crate::authorisation::authorise_import;
use crate::store::uploads::{self, Upload};
use crate::upload_state::UploadState;

/// The version of the protocol, and what a node can do of its extensions.
const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,termination";
/// Largest file, in bytes: as the store has it.
const SIZE_MAX: u64 = 16 << 30;
/// Most bytes that the store takes at once.
const PIECE_BYTES: usize = 1 << 20;
/// How long bytes that came may be held back until there are more.
const HELD: Duration = Duration::from_secs(1);
/// How long a body is read: hosts give a request 30 seconds.
const BODY_TIME_MAX: Duration = Duration::from_secs(20);
const PLACE: &str = "/content/v1/uploads/";

/// Answers what comes after `/content/v1/uploads`.
pub async fn answer_upload(request: Request, id: &str) -> Reply {
    let reply = hedgeschool_web::answer(handle_upload(request, id).await);
    reply.with_header("tus-resumable", VERSION).with_header("cache-control", "no-store")
}

async fn handle_upload(request: Request, id: &str) -> Result<Reply, Problem> {
    let method = requested_method(&request);
    if method == Method::OPTIONS {
        return Ok(describe_abilities());
    }
    authorise_import(&request).await?;
    if method == Method::GET && id.is_empty() {
        return list_uploads().await;
    }
    check_version(request.headers())?;
    match method {
        Method::POST if id.is_empty() => create_upload(request.headers()).await,
        _ if id.is_empty() => Err(Problem::method_not_allowed("GET, POST, OPTIONS")),
        Method::HEAD => Ok(upload_head(&find_underway(id).await?)),
        Method::PATCH => append_body(request, id).await,
        Method::DELETE => {
            find_underway(id).await?;
            discard_upload(id, None).await?;
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Problem::method_not_allowed("HEAD, PATCH, DELETE, OPTIONS")),
    }
}

/// What is asked for, also by clients that cannot say it otherwise.
fn requested_method(request: &Request) -> Method {
    let instead = header(request.headers(), "x-http-method-override");
    let instead = instead.and_then(|name| Method::from_bytes(name.as_bytes()).ok());
    instead.unwrap_or_else(|| request.method().clone())
}

fn describe_abilities() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .with_header("tus-version", VERSION)
        .with_header("tus-max-size", &SIZE_MAX.to_string())
        .with_header("tus-extension", EXTENSIONS)
}

fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    if header(headers, "tus-resumable") == Some(VERSION) {
        return Ok(());
    }
    let detail = format!("send Tus-Resumable: {VERSION}, and what that version says");
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail).with_header("tus-version", VERSION))
}

/// The uploads that are underway, for whoever wonders what takes their room.
async fn list_uploads() -> Result<Reply, Problem> {
    let underway = uploads::underway().await?.into_iter().map(|upload| {
        json!({
            "id": upload.id,
            "name": upload.name,
            "size": upload.size,
            "offset": upload.length,
            "touched_ms": upload.touched,
            "is_being_imported": upload.importing.is_some(),
        })
    });
    Reply::json(&json!({ "uploads": underway.collect::<Vec<_>>() }))
}

async fn create_upload(headers: &HeaderMap) -> Result<Reply, Problem> {
    let size = parse_length(headers, "upload-length")?;
    if size > SIZE_MAX {
        return Err(Problem::too_large(format!("a file may have at most {SIZE_MAX} bytes")));
    }
    let id = begin_upload(&file_name(headers), Some(size), 0).await?;
    let reply = Reply::empty(StatusCode::CREATED);
    Ok(reply.with_header("location", &format!("{PLACE}{id}")).with_header("upload-offset", "0"))
}

/// Begins an upload that is kept for so many seconds after it was touched last; 0 stands for days.
pub async fn begin_upload(name: &str, size: Option<u64>, kept_s: u32) -> Result<String, Problem> {
    free_unwanted();
    let id: String = random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
    if uploads::begin(id.clone(), name.to_owned(), size, kept_s).await? {
        return Ok(id);
    }
    let detail = "16 files are on their way here, and no more are taken at a time: finish or \
                  cancel one (GET /content/v1/uploads lists them, DELETE on one cancels it)";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
    Err(problem.with_header("retry-after", "60"))
}

/// Frees what nobody wants any more, while others are answered.
fn free_unwanted() {
    spawn(async {
        loop {
            match uploads::clear().await {
                Ok(true) => {}
                Ok(false) => return,
                // The next one that begins goes on with it.
                Err(error) => return Problem::from(error).log(),
            }
        }
    });
}

/// Discards an upload, and tells whoever asks within a day what came of it.
pub async fn discard_upload(id: &str, outcome: Option<String>) -> Result<(), Problem> {
    uploads::discard(id.to_owned(), outcome).await?;
    free_unwanted();
    Ok(())
}

/// An upload that is underway.
async fn find_underway(id: &str) -> Result<Upload, Problem> {
    let found = uploads::find(id.to_owned()).await?.ok_or_else(no_such_upload)?;
    if let UploadState::Settled(_) = UploadState::of_upload(&found) {
        let detail = "this file was imported or refused already: POST to \
                      /content/v1/courses?upload=… says which";
        return Err(Problem::new(StatusCode::GONE, detail));
    }
    Ok(found)
}

/// There is none: what to do then.
pub fn no_such_upload() -> Problem {
    Problem::not_found(
        "there is no such upload: it was cancelled, or nobody touched it for 7 days. Send the \
         file again",
    )
}

fn upload_head(upload: &Upload) -> Reply {
    let reply = Reply::empty(StatusCode::OK);
    let reply = reply.with_header("upload-offset", &upload.length.to_string());
    match upload.size {
        Some(size) => reply.with_header("upload-length", &size.to_string()),
        None => reply,
    }
}

async fn append_body(request: Request, id: &str) -> Result<Reply, Problem> {
    let media_type = header(request.headers(), "content-type").unwrap_or_default();
    if media_type != "application/offset+octet-stream" {
        let detail = "send bytes as application/offset+octet-stream";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let offset = parse_length(request.headers(), "upload-offset")?;
    let length = find_underway(id).await?.length;
    if offset != length {
        return Err(offset_conflict(length));
    }
    let (length, _) = receive_body(request, id, offset, SIZE_MAX).await?;
    let reply = Reply::empty(StatusCode::NO_CONTENT);
    Ok(reply.with_header("upload-offset", &length.to_string()))
}

fn offset_conflict(length: u64) -> Problem {
    let detail = format!("{length} bytes are here: go on after them, with Upload-Offset: {length}");
    Problem::new(StatusCode::CONFLICT, detail).with_header("upload-offset", length.to_string())
}

/// Stores a body's bytes from an offset on, as they come, for some time; answers how many are here
/// then, and whether that is all of it. What came of a body that breaks off is stored, too. Nothing
/// is read past `most` bytes.
pub async fn receive_body(
    request: Request,
    id: &str,
    offset: u64,
    most: u64,
) -> Result<(u64, bool), Problem> {
    let mut body = body::pieces(request);
    let (mut length, mut held) = (offset, Vec::new());
    let (start, mut since) = (Instant::now(), Instant::now());
    loop {
        let next = body.next().await;
        let is_over = !matches!(next, Ok(Some(_))) || start.elapsed() >= BODY_TIME_MAX;
        let mut bytes = next.as_ref().map_or(None, Option::as_ref).cloned().unwrap_or_default();
        while !bytes.is_empty() {
            fill_piece(&mut held, &mut bytes);
            if held.len() == PIECE_BYTES {
                length = store_piece(id, length, &mut held).await?;
                since = Instant::now();
            }
        }
        if !held.is_empty() && (is_over || since.elapsed() >= HELD) {
            length = store_piece(id, length, &mut held).await?;
            since = Instant::now();
        }
        if is_over || length > most {
            return next.map(|next| (length, next.is_none()));
        }
    }
}

/// Moves bytes into a piece until it is full.
fn fill_piece(held: &mut Vec<u8>, bytes: &mut Bytes) {
    let room = PIECE_BYTES.saturating_sub(held.len());
    held.extend_from_slice(&bytes.split_to(room.min(bytes.len())));
}

async fn store_piece(id: &str, start: u64, held: &mut Vec<u8>) -> Result<u64, Problem> {
    let bytes = std::mem::take(held);
    let end = start + bytes.len() as u64;
    let length = uploads::append(id.to_owned(), start, bytes).await?.ok_or_else(no_such_upload)?;
    // Another request is sending the same file.
    if length == end { Ok(length) } else { Err(offset_conflict(length)) }
}

fn parse_length(headers: &HeaderMap, name: &'static str) -> Result<u64, Problem> {
    let number = header(headers, name).and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| Problem::bad_request(format!("{name} is a number of bytes")))
}

/// The file's name, as `Upload-Metadata` has it: `name base64,name base64`.
fn file_name(headers: &HeaderMap) -> String {
    let metadata = header(headers, "upload-metadata").unwrap_or_default();
    let pairs = metadata.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let name = pairs.into_iter().find(|(key, _)| *key == "filename" || *key == "name");
    let bytes = name.and_then(|(_, value)| STANDARD.decode(value.trim()).ok());
    bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_is_found_among_what_is_said_of_it() {
        let mut headers = HeaderMap::new();
        let said = "is_confidential,filename 6K++LnBkZg==,x dGV4dA==".parse().unwrap();
        headers.insert("upload-metadata", said);
        assert_eq!(file_name(&headers), "课.pdf");
        assert_eq!(file_name(&HeaderMap::new()), "");
    }
}
