//! How nodes replicate: what goes over the wire, and what a node does with each answer, as pure
//! functions.
//!
//! Every store keeps a journal: its changes in the order of commits. A node *pushes* its journals
//! to its upstream and *pulls* from the upstream's what concerns it. Both are the same walk:
//! entries after a checkpoint, bounded; the receiver applies them and its record of the checkpoint
//! in one durable step; only that record moves the sender on. An entry is sent again until it is
//! *applied*, and applying is idempotent.
//!
//! * [`Position`]: how far a journal is applied, in two lanes: what is fresh travels before a
//!   backlog.
//! * [`Push`]: what to send next, and where each answer leads.
//! * [`BatchRange`]: which part of a journal a batch is, and whether the node above applies it
//!   ([`Admission`]).
//! * [`tokens`]: whether a disk was restored, on either side.
//! * [`BatchSizer`]: how much of it at once.
//! * [`Version`] and [`merge`]: which of two versions of something stands, and whether one was
//!   lost.
//! * [`Stamp`] arithmetic in [`hlc`]: time that survives wrong clocks.
//! * [`backoff`]: how long to leave an upstream alone.
//! * [`timing`]: how often, how long.
//! * [`round`]: what a round does next.
//! * [`long_polls`]: who waits for news, and whom they wake.
//! * [`FetchPlan`]: which blobs to ask for next, and how much at a time.
//! * [`protocol`]: what nodes of another release know.
//! * [`wire`]: the messages, documented in `docs/replication.md`.

pub mod backoff;
mod batch_range;
mod batch_sizer;
mod entry;
mod fetch;
pub mod hlc;
pub mod long_polls;
mod position;
pub mod protocol;
mod push;
pub mod round;
pub mod timing;
pub mod tokens;
mod version;
pub mod wire;

pub use batch_range::{Admission, BatchRange};
pub use batch_sizer::BatchSizer;
pub use fetch::{FetchPlan, FetchRequest, REQUESTS_MAX};
pub use hlc::Stamp;
pub use position::{Checkpoint, Gap, Lane, Position, Span};
pub use protocol::Protocol;
pub use push::{BatchOutcome, NextStep, Push, ReadRange, WINDOW};
pub use version::{Merge, Version, VersionVector, Winner, merge};
