//! Files of packages: immutable, so cached for good, by browsers and in the instance.

use std::time::Duration;

use bytes::Bytes;
use hedgeschool_web::cache::Cache;
use hedgeschool_web::{
    ETags, HeaderMap, Method, Problem, Reply, Request, StatusCode, header, settings,
};

use crate::range::{Selection, select};
use crate::store::{self, File};

/// Replies up to this size, in bytes, are read into memory, and files of it kept there; larger
/// ones stream.
const WHOLE_BYTES_MAX: u64 = 100_000;
/// How many files an instance remembers: together at most 6.4 MB.
const FILES_MAX: usize = 64;
/// How long it remembers them. They never change; this frees what nobody asks for.
const FILE_AGE: Duration = Duration::from_secs(600);

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Course content runs in an origin of its own: docs/adr/0005-course-content-in-a-sandbox.md.
const SANDBOX: &str = "sandbox allow-scripts allow-forms allow-popups allow-downloads allow-modals";

/// A file and, if it is small, its bytes.
#[derive(Clone)]
struct Found {
    hash: String,
    size: u64,
    media_type: String,
    bytes: Option<Bytes>,
}

thread_local! {
    static FILES: Cache<Found> = Cache::new(FILES_MAX, FILE_AGE);
}

/// Answers `GET` and `HEAD` for a file of a package.
pub async fn deliver(request: &Request, package: &str, path: &str) -> Result<Reply, Problem> {
    let found = find(package, path).await?;
    let etag = format!("\"{}\"", found.hash);
    let headers = request.headers();
    let known = ETags::of(headers, "if-none-match").ok().flatten();
    if known.is_some_and(|tags| tags.name(&found.hash)) {
        return Ok(decorated(Reply::empty(StatusCode::NOT_MODIFIED), &etag));
    }
    let reply = match selection(request.method(), headers, &found, &etag) {
        _ if request.method() == Method::HEAD => head(&found),
        Selection::Whole => body(&found, StatusCode::OK, 0, found.size).await?,
        Selection::Part { start, length } => {
            let content_range = format!("bytes {start}-{}/{}", start + length - 1, found.size);
            let reply = body(&found, StatusCode::PARTIAL_CONTENT, start, length).await?;
            reply.with_header("content-range", &content_range)
        }
        Selection::Unsatisfiable => return Err(unsatisfiable(found.size)),
    };
    Ok(decorated(reply.with_header("content-type", &found.media_type), &etag))
}

/// The file, from the instance's memory or the store.
async fn find(package: &str, path: &str) -> Result<Found, Problem> {
    let is_cached = settings::is_on("cache_enabled").await?;
    let key = format!("{package}/{path}");
    if let Some(found) = FILES.with(|files| files.get(&key)).filter(|_| is_cached) {
        return Ok(found);
    }
    let file = store::find_file(package.to_owned(), path.to_owned()).await?;
    let file = file.ok_or_else(|| Problem::not_found("the package has no file at this path"))?;
    let File { hash, size, media_type, .. } = file;
    let bytes = if size > WHOLE_BYTES_MAX { None } else { Some(read(&hash, 0, size).await?) };
    let found = Found { hash, size, media_type, bytes };
    if is_cached {
        FILES.with(|files| files.insert(key, found.clone()));
    }
    Ok(found)
}

/// A `Range` counts for `GET` only, and with `If-Range` only while the tag still holds (RFC 9110,
/// 13.1.5: compared strongly, and a date is never the file's).
fn selection(method: &Method, headers: &HeaderMap, found: &Found, etag: &str) -> Selection {
    let still_holds = header(headers, "if-range").is_none_or(|tag| tag.trim() == etag);
    match header(headers, "range") {
        Some(range) if still_holds && method == Method::GET => select(range, found.size),
        _ => Selection::Whole,
    }
}

async fn body(
    found: &Found,
    status: StatusCode,
    start: u64,
    length: u64,
) -> Result<Reply, Problem> {
    if let Some(bytes) = &found.bytes {
        let (start, end) = (start as usize, (start + length) as usize);
        return Ok(Reply::new(status, &found.media_type, bytes.slice(start..end)));
    }
    if length <= WHOLE_BYTES_MAX {
        let bytes = read(&found.hash, start, length).await?;
        return Ok(Reply::new(status, &found.media_type, bytes));
    }
    let stream = store::stream_blob(found.hash.clone(), start, length).await?;
    Ok(Reply::stream(status, length, stream))
}

/// Some bytes of a blob, all of which must be there.
async fn read(hash: &str, start: u64, length: u64) -> Result<Bytes, Problem> {
    let wanted = length.try_into().unwrap_or(u32::MAX);
    let read = store::read_blob(hash.to_owned(), start, wanted).await?;
    let whole = read.filter(|bytes| bytes.len() as u64 == length);
    let lost = || Problem::internal(format!("blob {hash} lacks bytes from {start}"));
    whole.map(Bytes::from).ok_or_else(lost)
}

fn head(found: &Found) -> Reply {
    Reply::empty(StatusCode::OK).with_header("content-length", &found.size.to_string())
}

fn decorated(reply: Reply, etag: &str) -> Reply {
    reply
        .with_header("etag", etag)
        .with_header("cache-control", IMMUTABLE)
        .with_header("accept-ranges", "bytes")
        .with_header("content-security-policy", SANDBOX)
        .with_header("x-content-type-options", "nosniff")
        .with_header("access-control-allow-origin", "*")
}

fn unsatisfiable(size: u64) -> Problem {
    let detail = format!("the file has {size} bytes");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail)
        .with_header("content-range", format!("bytes */{size}"))
}
