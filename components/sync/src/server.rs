//! What this node does for the nodes below it.

pub mod access;
mod apply;
pub mod attachments;
pub mod blobs;
pub mod entries;
mod feeds;
mod ingest;
mod long_polls;
mod pull;
mod queue;
pub mod records;
pub mod redis_health;

pub use pull::answer_pull;
pub use queue::read_queue_length;
