//! How this node stands, for operators and for the node above.

pub mod conflicts;
pub mod health;
pub mod history;
mod metrics;
pub mod readiness;
mod report;
pub mod status;
pub mod storage;
