//! This node, and the nodes below as they have told of themselves.

mod reports;
mod this_node;
mod withheld;

pub use reports::{PeerReport, find_report, list_reports, nodes_below, record_heartbeat};
pub use this_node::{node_id, now_us};
pub use withheld::{list_withheld, record_withheld};
