//! This node, as replication sees it.

use std::collections::BTreeSet;

use hedgeschool_replication::Stamp;
use hedgeschool_replication::wire::{Health, Pull};
use hedgeschool_web::{Problem, settings};
use serde::{Deserialize, Serialize};

use crate::stores::{Error, node_state};

/// How often it is noted that a node below was heard of, in microseconds.
const HEARD_EVERY_US: u64 = 10_000_000;

/// What a node below has told of itself, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Below {
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

/// This node's id.
pub async fn id() -> Result<String, Problem> {
    settings::text("node_id").await
}

/// The nodes below this one, at any depth, as they have told.
pub async fn below() -> Result<Vec<(String, Below)>, Problem> {
    let peers = node_state::peers().await.map_err(Error::from)?;
    let told = peers.into_iter().map(|peer| {
        let told = serde_json::from_str(&peer.report).map_err(Error::unreadable)?;
        Ok((peer.node, told))
    });
    told.collect()
}

/// What a node has told of itself.
pub async fn told(node: &str) -> Result<Below, Problem> {
    let report = node_state::find_peer(node.to_owned()).await.map_err(Error::from)?;
    let told = report.map(|report| serde_json::from_str(&report)).transpose();
    Ok(told.map_err(Error::unreadable)?.unwrap_or_default())
}

/// Remembers what a node tells of itself.
pub async fn hear(pull: &Pull) -> Result<(), Problem> {
    let now = now();
    let known = told(&pull.node).await?;
    // In either direction: clocks jump.
    let is_old = now.abs_diff(known.heard) > HEARD_EVERY_US;
    if !is_old && known.serves == pull.serves && known.health == pull.health {
        return Ok(());
    }
    let below = Below {
        serves: pull.serves.clone(),
        heard: now,
        skew: pull.now.saturating_sub(now),
        health: pull.health.clone(),
    };
    let report = serde_json::to_string(&below).map_err(Problem::internal)?;
    let report = node_state::PeerReport { node: pull.node.clone(), report };
    match node_state::set_peer(report).await.map_err(Error::from) {
        // A full disk keeps nobody from reading.
        Err(Error::Full) => Ok(()),
        noted => Ok(noted?),
    }
}

/// All nodes below this one.
pub async fn serves() -> Result<BTreeSet<String>, Problem> {
    let below = below().await?;
    Ok(below.into_iter().flat_map(|(node, told)| told.serves.into_iter().chain([node])).collect())
}

/// Microseconds since 1970.
pub fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_micros().try_into().unwrap_or(Stamp::MAX)
}
