//! Backups of a node: a folder with a copy of each of its databases, and a manifest that tells
//! what they are.
//!
//! [`create_backup`] copies while the node runs; [`restore_backup`] puts the copies in the place of
//! what a stopped node has. Neither knows what is in the databases.

mod create;
mod databases;
mod files;
mod manifest;
mod progress;
mod restore;
mod verify;

pub use create::{BackupSummary, create_backup};
pub use progress::Progress;
pub use restore::{Restored, restore_backup};
pub use verify::verify_backup;
