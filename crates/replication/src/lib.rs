//! How nodes replicate: what goes over the wire, and what a node does with each answer, as pure
//! functions.
//!
//! Every store keeps a journal: its changes in the order of commits. A node *pushes* its journals
//! to its upstream and *pulls* from the upstream's what concerns it. Both are the same walk:
//! entries after a place, bounded; the receiver applies them and its note of the place in one
//! durable step; only that note moves the sender on. An entry is sent again until it is *applied*,
//! and applying is idempotent.
//!
//! * [`Position`]: how far a journal is applied, in two lanes: what is fresh travels before a
//!   backlog.
//! * [`Push`]: what to send next, and where each answer leads.
//! * [`Leg`]: where a batch begins and leads, and whether it is its turn at the node above.
//! * [`recognise`]: whether a disk was restored, on either side.
//! * [`Portion`]: how much of it at once.
//! * [`Version`] and [`merge`]: which of two versions of something stands, and whether one was
//!   lost.
//! * [`Stamp`] arithmetic in [`hlc`]: time that survives wrong clocks.
//! * [`backoff`]: how long to leave an upstream alone.
//! * [`pace`]: how often, how long.
//! * [`Fetch`]: which blobs to ask for next, and how much at a time.
//! * [`protocol`]: what nodes of another release know.
//! * [`wire`]: the messages, documented in `docs/replication.md`.

pub mod backoff;
mod fetch;
pub mod hlc;
mod leg;
pub mod pace;
mod portion;
mod position;
pub mod protocol;
mod push;
pub mod recognise;
mod version;
pub mod wire;

pub use fetch::{Fetch, REQUESTS_MAX, Request};
pub use hlc::Stamp;
pub use leg::{Leg, Turn};
pub use portion::Portion;
pub use position::{Gap, Lane, Place, Position, Span};
pub use protocol::Protocol;
pub use push::{Answer, Next, Push, WINDOW, Want};
pub use version::{Merge, Seen, Version, Winner, merge};
