//! Version negotiation (3.3).

use hedgeschool_web::{HeaderMap, Problem, Reply, header};
use hedgeschool_xapi::Version;

const HEADER: &str = "x-experience-api-version";

/// What `about` lists.
pub const SPOKEN: [&str; 2] = ["1.0.3", "2.0.0"];

/// The version a request speaks, if it is one that is spoken here.
pub fn of(headers: &HeaderMap) -> Option<Version> {
    header(headers, HEADER).and_then(Version::parse)
}

/// The version a request speaks, or 400 (3.3.s3).
pub fn required(headers: &HeaderMap) -> Result<Version, Problem> {
    let rule = "send the header X-Experience-API-Version: 1.0.3 or 2.0.0";
    of(headers).ok_or_else(|| Problem::bad_request(rule))
}

/// Says the version in the response: the request's, or the newest of 1.0 for who did not say.
pub fn announce(reply: Reply, spoken: Option<Version>) -> Reply {
    reply.with_header(HEADER, spoken.unwrap_or(Version::V1_0).header())
}
