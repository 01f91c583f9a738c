//! What nodes below tell of themselves with each pull: their heartbeats.

use std::collections::BTreeSet;

use hedgeschool_replication::Stamp;
use hedgeschool_replication::wire::{Health, Pull};
use serde::{Deserialize, Serialize};

use crate::error::{Result, SyncError, tolerate_full};
use crate::peer::this_node::now_us;
use crate::store::{node_state, read_or_begin};

/// How often a heartbeat that says nothing new is recorded, in microseconds.
const HEARTBEAT_EVERY_US: u64 = 10_000_000;

/// What a node below has told of itself, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    /// The nodes below it.
    #[serde(default)]
    pub serves: BTreeSet<String>,
    /// When it was last heard of, in microseconds since 1970.
    #[serde(default)]
    pub heard: Stamp,
    /// How far its clock was ahead of this one's, in microseconds.
    #[serde(default)]
    pub skew: Stamp,
    /// How it stood.
    #[serde(default)]
    pub health: Health,
}

impl PeerReport {
    /// What a pull says, at this moment, in place of what is known. None: nothing that is worth
    /// a write.
    fn updated_by(&self, pull: &Pull, now: Stamp) -> Option<Self> {
        // In either direction: clocks jump.
        let is_old = now.abs_diff(self.heard) > HEARTBEAT_EVERY_US;
        let is_new = is_old || self.serves != pull.serves || self.health != pull.health;
        is_new.then(|| Self {
            serves: pull.serves.clone(),
            heard: now,
            skew: pull.now.saturating_sub(now),
            health: pull.health.clone(),
        })
    }
}

/// What the nodes below have told of themselves, by their names.
pub async fn list_reports() -> Result<Vec<(String, PeerReport)>> {
    let reports = node_state::peers().await?.into_iter();
    let reports = reports.map(|peer| {
        let report = read_report(&peer.node, &peer.report);
        (peer.node, report)
    });
    Ok(reports.collect())
}

/// What a node below has told of itself; nothing much, if it never did.
pub async fn find_report(node: &str) -> Result<PeerReport> {
    let report = node_state::find_peer(node.to_owned()).await?;
    Ok(report.map(|report| read_report(node, &report)).unwrap_or_default())
}

fn read_report(node: &str, report: &str) -> PeerReport {
    read_or_begin(&format!("the node {node}"), report)
}

/// Records what a node below tells of itself.
pub async fn record_heartbeat(pull: &Pull) -> Result<()> {
    let known = find_report(&pull.node).await?;
    let Some(report) = known.updated_by(pull, now_us()) else { return Ok(()) };
    let report = serde_json::to_string(&report).map_err(SyncError::Unwritable)?;
    let report = node_state::PeerReport { node: pull.node.clone(), report };
    // A full disk keeps nobody from reading.
    tolerate_full(node_state::set_peer(report).await.map_err(SyncError::from))
}

/// All nodes below this one, at any depth, as they have told.
pub async fn nodes_below() -> Result<BTreeSet<String>> {
    let reports = list_reports().await?.into_iter();
    Ok(reports.flat_map(|(node, report)| report.serves.into_iter().chain([node])).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pull(now: Stamp, queue: u64) -> Pull {
        Pull {
            node: "edge".to_owned(),
            serves: BTreeSet::new(),
            now,
            health: Health { queue, ..Health::default() },
            journals: BTreeMap::new(),
            wait_ms: 0,
        }
    }

    #[test]
    fn a_heartbeat_is_recorded_when_it_says_something_new_or_now_and_then() {
        let now = 1_000_000_000;
        let first = PeerReport::default().updated_by(&pull(now + 3, 1), now).unwrap();
        assert_eq!((first.heard, first.skew, first.health.queue), (now, 3, 1));
        assert_eq!(first.updated_by(&pull(now, 1), now + 9_000_000), None);
        assert!(first.updated_by(&pull(now, 2), now + 1).is_some());
        assert!(first.updated_by(&pull(now, 1), now + 11_000_000).is_some());
        // A clock that was set back.
        assert!(first.updated_by(&pull(now, 1), now - 11_000_000).is_some());
    }
}
