//! The one way components answer HTTP.
//!
//! A service is an `async fn(Request) -> Result<Reply, Problem>` behind [`answer`]. Replies always
//! carry their length, failures are [`Problem`]s (RFC 9457) that help the caller and log what
//! happened, bodies are read under a limit, and [`identity::verify`] tells who is asking.

mod asset;
pub mod body;
pub mod cache;
pub mod coding;
pub mod content_origin;
mod etag;
pub mod events;
pub mod identity;
pub mod inside;
pub mod origin;
mod problem;
mod query;
mod reply;
pub mod settings;
pub mod trace;

pub use asset::Asset;
pub use etag::{ETag, ETags};
pub use http::HeaderName;
pub use problem::Problem;
pub use query::Query;
pub use reply::{Reply, answer};
pub use spin_sdk::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(i64::MAX)
}

/// Fresh random bytes, fit for secrets.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        let random = spin_sdk::wasip3::random::random::get_random_u64().to_le_bytes();
        chunk.iter_mut().zip(random).for_each(|(byte, fresh)| *byte = fresh);
    }
    bytes
}

/// A request header as text, if it is there and is text.
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
