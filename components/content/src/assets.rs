//! The few files of this component's own, beside those of courses.

use hedgeschool_web::{Problem, Reply, Request};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// An upgrade shows after five minutes at the latest.
const CACHING: &str = "public, max-age=300";

/// A file below `/content/`.
pub fn find_asset(request: &Request, name: &str) -> Option<Result<Reply, Problem>> {
    let name = if name == "clear" { "clear.html" } else { name };
    asset(name).map(|asset| asset.reply(request, CACHING))
}
