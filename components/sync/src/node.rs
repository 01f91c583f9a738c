//! This node, as replication sees it.

use std::collections::BTreeSet;

use hedgeschool_replication::Stamp;
use hedgeschool_web::{Problem, settings};
use serde::{Deserialize, Serialize};

use crate::stores::Journal;

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
    pub health: hedgeschool_replication::wire::Health,
}

/// Where the note about a node below is.
pub fn below_note(node: &str) -> String {
    format!("below:{node}")
}

/// This node's id.
pub async fn id() -> Result<String, Problem> {
    settings::text("node_id").await
}

/// The nodes below this one, at any depth, as they have told.
pub async fn below() -> Result<Vec<(String, Below)>, Problem> {
    let notes = Journal::Progress.notes(below_note("")).await?;
    let told = notes.into_iter().filter_map(|(name, text)| {
        let node = name.strip_prefix("below:")?.to_owned();
        Some((node, serde_json::from_str(&text).ok()?))
    });
    Ok(told.collect())
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
