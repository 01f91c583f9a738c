//! HTTP: the pages that play units which do not record by themselves, below `/content/players`, on
//! content's origin (ADR 21).
//!
//! A player's page is a launched unit to the rest of the node: it redeems the launch, reads what it
//! says and records, as a cmi5 unit does. It shows the file that it plays in a frame of its own
//! origin.

use std::io::Read;

use flate2::read::GzDecoder;
use hedgeschool_web::content_origin::ContentOrigin;
use hedgeschool_web::{ETags, Method, Problem, Reply, Request, StatusCode, answer, header};
use spin_sdk::http_service;

/// What there is under a name.
struct File {
    /// Names its bytes.
    tag: &'static str,
    /// The bytes, by gzip.
    packed: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

const PREFIX: &str = "/content/players/";

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let reply = answer(route(&request).await);
    if is_head { reply.without_body() } else { reply }
}

async fn route(request: &Request) -> Result<Reply, Problem> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(Problem::method_not_allowed("GET, HEAD"));
    }
    if !ContentOrigin::configured().await?.is_of(request) {
        let rule = "players are on the origin of course content (`content_origin`)";
        return Err(Problem::not_found(rule));
    }
    let name = request.uri().path().strip_prefix(PREFIX).unwrap_or_default();
    let missing = || Problem::not_found(format!("there is no {name:?} in this build"));
    let file = file(name).ok_or_else(missing)?;
    let known = ETags::of(request.headers(), "if-none-match").ok().flatten();
    let reply = if known.is_some_and(|tags| tags.name(file.tag.trim_matches('"'))) {
        Reply::empty(StatusCode::NOT_MODIFIED)
    } else {
        whole(request, name, &file)?
    };
    // The next release has others under the same names.
    Ok(reply
        .with_header("etag", file.tag)
        .with_header("cache-control", "public, no-cache")
        .with_header("vary", "accept-encoding")
        .with_header("x-content-type-options", "nosniff"))
}

fn whole(request: &Request, name: &str, file: &File) -> Result<Reply, Problem> {
    let accepted = header(request.headers(), "accept-encoding").unwrap_or_default();
    if accepted.split(',').any(|coding| coding.trim() == "gzip") {
        let reply = Reply::new(StatusCode::OK, media_type(name), file.packed);
        return Ok(reply.with_header("content-encoding", "gzip"));
    }
    let mut bytes = Vec::new();
    GzDecoder::new(file.packed).read_to_end(&mut bytes).map_err(Problem::internal)?;
    Ok(Reply::new(StatusCode::OK, media_type(name), bytes))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("gif") => "image/gif",
        Some("woff") => "font/woff",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        _ => "application/octet-stream",
    }
}
