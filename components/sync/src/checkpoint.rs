//! How far journals are sent and read: what this node remembers of the one above.

mod cursor;
mod scan;
mod snapshot;
mod unapplied;
pub mod upstream_state;

pub use cursor::{UpstreamCursor, record_checkpoint, restart_all_feeds};
pub use scan::{fingerprint, scan_start, upstream_audience};
pub use snapshot::Snapshot;
pub use unapplied::{Unapplied, count_unapplied};
pub use upstream_state::UpstreamState;
