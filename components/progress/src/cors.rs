//! Courses run on other origins (in a sandbox, on none) and record here from there.
//!
//! Any origin may call: a request counts for the credentials in its `Authorization` header and
//! never for what a browser adds by itself.

use hedgeschool_web::{Reply, StatusCode};

const METHODS: &str = "GET, HEAD, POST, PUT, DELETE, OPTIONS";
const REQUEST_HEADERS: &str = "authorization, content-type, x-experience-api-version, if-match, \
    if-none-match, accept-language";
const RESPONSE_HEADERS: &str =
    "etag, last-modified, x-experience-api-version, x-experience-api-consistent-through";

/// The answer to a browser that asks before it calls.
pub fn answer_preflight() -> Reply {
    Reply::empty(StatusCode::NO_CONTENT)
        .with_header("access-control-allow-methods", METHODS)
        .with_header("access-control-allow-headers", REQUEST_HEADERS)
        .with_header("access-control-max-age", "7200")
}

/// Lets the caller's page read the response.
pub fn allow_origins(reply: Reply) -> Reply {
    reply
        .with_header("access-control-allow-origin", "*")
        .with_header("access-control-expose-headers", RESPONSE_HEADERS)
}
