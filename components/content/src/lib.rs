//! HTTP: delivers course files and imports packages.
//!
//! | address | method | answer |
//! |---|---|---|
//! | `/content/v1/courses` | GET | a page of courses by title: `limit` (1 to 1,000), `after` (a course id) |
//! | | POST | imports a package (`application/zip`); administrators and clients of scope `all` |
//! | `/content/v1/courses/{id}` | GET | a course by its IRI, percent-encoded |
//! | `/content/p/{package}/{path}` | GET | a file of a package: never changes, ranges, sandboxed |
//!
//! `HEAD` is answered wherever `GET` is.
//!
//! Private, since it lies outside `/content`: `POST /structure` with `{"key": …}`, or with the
//! `activity` of a unit, answers the course or null.

mod catalogue;
mod file;
mod import;
mod range;
mod shelf;
mod store;

use hedgeschool_redis::changed;
use hedgeschool_web::{Method, Problem, Reply, Request, answer};
use percent_encoding::percent_decode_str;
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let is_import =
        request.method() == Method::POST && request.uri().path().starts_with("/content/");
    let reply = answer(route(request).await);
    if is_import && reply.status().is_success() {
        changed("content");
    }
    if is_head { reply.without_body() } else { reply }
}

async fn route(request: Request) -> Result<Reply, Problem> {
    let path = request.uri().path().to_owned();
    if path == "/structure" && request.method() == Method::POST {
        return catalogue::structure(request).await;
    }
    let path = path.strip_prefix("/content/").unwrap_or_default();
    if let Some(rest) = path.strip_prefix("p/") {
        let (package, file) = rest.split_once('/').unwrap_or((rest, ""));
        only_get(&request)?;
        return file::deliver(&request, package, &decoded(file)?).await;
    }
    match path.strip_prefix("v1/courses") {
        Some("" | "/") if request.method() == Method::POST => import::import(request).await,
        Some("" | "/") if is_get(&request) => catalogue::list(&request).await,
        Some("" | "/") => Err(Problem::method_not_allowed("GET, HEAD, POST")),
        Some(rest) if rest.starts_with('/') => {
            only_get(&request)?;
            catalogue::course(&decoded(rest.trim_start_matches('/'))?).await
        }
        _ => Err(Problem::not_found("there is nothing at this address")),
    }
}

fn is_get(request: &Request) -> bool {
    request.method() == Method::GET || request.method() == Method::HEAD
}

fn only_get(request: &Request) -> Result<(), Problem> {
    if is_get(request) { Ok(()) } else { Err(Problem::method_not_allowed("GET, HEAD")) }
}

fn decoded(text: &str) -> Result<String, Problem> {
    let decoded = percent_decode_str(text).decode_utf8();
    let not_utf8 = |_| Problem::bad_request("the address is not percent-encoded UTF-8");
    decoded.map(|text| text.into_owned()).map_err(not_utf8)
}
