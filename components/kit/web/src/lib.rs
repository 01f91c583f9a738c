//! The one way components answer HTTP.
//!
//! A service is an `async fn(Request) -> Result<Reply, Problem>` behind [`answer`]. Replies always
//! carry their length, failures are [`Problem`]s (RFC 9457) that help the caller and log what
//! happened, bodies are read under a limit, and [`identity::verify`] tells who is asking.

mod asset;
pub mod body;
pub mod cache;
pub mod client;
mod clock;
pub mod coding;
pub mod content_origin;
mod etag;
pub mod events;
mod headers;
pub mod identity;
pub mod inside;
pub mod origin;
mod problem;
mod query;
mod random;
mod reply;
pub mod settings;
pub mod trace;

pub use asset::Asset;
pub use clock::now_ms;
pub use etag::{ETag, ETags};
pub use headers::header;
pub use http::HeaderName;
pub use problem::Problem;
pub use query::Query;
pub use random::random_bytes;
pub use reply::{Reply, answer};
pub use spin_sdk::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
