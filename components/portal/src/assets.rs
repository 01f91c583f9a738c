//! The few files the pages need, built into the component.

use hedgeschool_web::{Problem, Reply, Request};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// An upgrade shows after five minutes at the latest.
const CACHING: &str = "public, max-age=300";

/// A file below `/static/`.
pub fn find(request: &Request, name: &str) -> Option<Result<Reply, Problem>> {
    asset(name).map(|asset| asset.reply(request, CACHING))
}
