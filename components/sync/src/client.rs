//! This node's rounds with the node above.

pub mod attachments;
mod blobs;
mod exchange;
pub mod failure;
mod intake;
mod outbox;
pub mod records;
mod report;
pub mod round;
mod session;
pub mod upstream;
