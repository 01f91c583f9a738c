//! Who is asking, where proxies pass requests on.
//!
//! A proxy says in headers for whom it asks, and whether that one speaks TLS. Anybody can send
//! such headers, so those of a proxy count only if the operator names it: [`TrustedProxies`]. Each
//! of these vouches for the one before it, from the node outwards, until there is somebody who is
//! not named: that is the client ([`find_client`]). What stands before that, the client has
//! written.
//!
//! No I/O, no HTTP.

mod client;
mod hop;
mod range;

pub use client::{Client, HOPS_MAX, find_client};
pub use hop::Forwarding;
pub use range::{BadRange, RANGES_MAX, TrustedProxies};
