//! Version negotiation (3.3).

use hedgeschool_web::{HeaderMap, Method, Problem, Query, Reply, Request, header};
use hedgeschool_xapi::Version;

const HEADER: &str = "x-experience-api-version";

/// What `about` lists.
pub const SPOKEN: [&str; 2] = ["1.0.3", "2.0.0"];

/// The version a request speaks, if it is one that is spoken here.
pub fn version_of(headers: &HeaderMap) -> Option<Version> {
    header(headers, HEADER).and_then(Version::parse)
}

/// The version a request speaks, which is one that is spoken here (3.3.s3).
///
/// # Errors
/// 400.
pub fn required_version(headers: &HeaderMap) -> Result<Version, Problem> {
    let rule = "send the header X-Experience-API-Version: 1.0.3 or 2.0.0";
    version_of(headers).ok_or_else(|| Problem::bad_request(rule))
}

/// What the response's header says: the request's version, or the newest of 1.0 for one that is
/// not spoken here.
///
/// A request to a resource that needs a version and names none is of version 0.9, which had no
/// such header. It is refused, and the refusal says as what.
pub fn announced_version(request: &Request) -> &'static str {
    let named = request.headers().contains_key(HEADER);
    let in_form = Query::of(request).get("method").is_some();
    let needed = !in_form && request.method() != Method::OPTIONS && !is_about(request);
    if needed && !named {
        return "0.9";
    }
    version_of(request.headers()).unwrap_or(Version::V1_0).header()
}

/// Adds the header to a response.
pub fn announce_version(reply: Reply, version: &str) -> Reply {
    reply.with_header(HEADER, version)
}

fn is_about(request: &Request) -> bool {
    request.uri().path().trim_end_matches('/').ends_with("/about")
}
