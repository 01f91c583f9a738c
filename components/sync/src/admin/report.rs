//! How this node stands with others, as operators read it.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::hlc::SKEW_SHOWN_US;
use hedgeschool_replication::{Protocol, Stamp};
use serde::Serialize;

use crate::admin::storage::GivenUp;
use crate::checkpoint::{Unapplied, UpstreamState};
use crate::peer::PeerReport;
use crate::server::redis_health::RedisProblem;

/// A node without news for longer than this is shown as silent, in seconds.
const SILENT_S: i64 = 120;

/// `GET /sync/v1/status`.
#[derive(Serialize)]
pub struct Status {
    pub node: String,
    pub version: &'static str,
    /// Null: this node has no upstream, or does not replicate.
    pub upstream: Option<UpstreamStatus>,
    /// The nodes that replicate with this one.
    pub nodes: Vec<NodeStatus>,
    /// Conflicts that nobody has settled.
    pub conflicts: u64,
    /// Courses on their way here.
    pub arriving: Vec<Arriving>,
    /// What the stores take of the disk.
    pub storage: StorageStatus,
    /// Last sequence of each journal.
    pub journals: BTreeMap<&'static str, u64>,
    /// The queue of batches from below. Null: this node has no Redis.
    pub redis: Option<RedisStatus>,
}

/// The queue of batches in Redis.
#[derive(Serialize)]
pub struct RedisStatus {
    /// Batches that wait to be applied. Null: Redis does not say.
    pub queue: Option<u64>,
    /// Why it does not. The node goes on without it.
    pub problem: Option<String>,
    /// What the last problem was.
    pub last_problem: Option<RedisProblem>,
}

/// What the stores take of the disk.
#[derive(Serialize)]
pub struct StorageStatus {
    pub used_bytes: u64,
    /// Null: there is none.
    pub limit_bytes: Option<u64>,
    /// Courses whose bytes were given up to make room; they stay listed, and come back.
    pub given_up: Vec<GivenUp>,
}

/// The same of a node below.
#[derive(Serialize)]
pub struct NodeStorage {
    pub used_bytes: u64,
    /// Null: there is none.
    pub limit_bytes: Option<u64>,
}

/// The node above.
#[derive(Serialize)]
pub struct UpstreamStatus {
    pub url: String,
    pub node: String,
    /// Since the last contact; null: never.
    pub seconds_since_contact: Option<i64>,
    /// For how long rounds have failed; null: the last one did not.
    pub seconds_failing: Option<i64>,
    /// Its clock against this one's.
    pub skew_seconds: f64,
    pub is_skewed: bool,
    pub problem: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// It turned this node away: it will again, until somebody does something.
    pub is_refused: bool,
    /// Entries that it has not applied: 0 if it has all that is for it, and an upper bound beyond
    /// 10,000.
    pub queue: u64,
    /// How old the oldest of them is.
    pub queue_age_seconds: u64,
    /// Version of its software. Empty: it does not say.
    pub version: String,
    /// It speaks an earlier version of the protocol.
    pub is_older: bool,
    /// Kinds of entries that it does not know, and which wait here until it is upgraded.
    pub waits_for_upgrade: BTreeSet<String>,
}

/// A node below.
#[derive(Serialize)]
pub struct NodeStatus {
    pub node: String,
    pub serves: usize,
    pub seconds_since_contact: i64,
    pub is_silent: bool,
    pub skew_seconds: f64,
    pub is_skewed: bool,
    pub queue: u64,
    pub queue_age_seconds: u64,
    pub conflicts: u64,
    pub version: String,
    /// Kinds of entries that it does not know, and which wait here until it is upgraded.
    pub waits_for_upgrade: BTreeSet<String>,
    /// What its stores take, in MiB steps.
    pub storage: NodeStorage,
}

/// A course on its way here.
#[derive(Serialize)]
pub struct Arriving {
    pub id: String,
    pub title: String,
    pub have_bytes: u64,
    pub bytes: u64,
}

impl UpstreamStatus {
    /// Of what is remembered of the node above, and of what it has not applied.
    pub fn new(state: UpstreamState, unapplied: &Unapplied, now: Stamp) -> Self {
        let is_older = state.reached > 0 && state.protocol < Protocol::OURS;
        Self {
            url: state.url,
            seconds_since_contact: (state.reached > 0).then(|| seconds_since(state.reached, now)),
            seconds_failing: state.failing_since.map(|since| seconds_since(since, now)),
            skew_seconds: to_seconds(state.skew),
            is_skewed: is_skewed(state.skew),
            node: state.node,
            version: state.version,
            is_older,
            waits_for_upgrade: state.withheld.into_values().flatten().collect(),
            problem: state.problem,
            advice: state.advice,
            is_refused: state.is_refused,
            queue: unapplied.entries,
            queue_age_seconds: unapplied.age_s,
        }
    }
}

impl NodeStatus {
    /// Of what a node below has told, and of the kinds that it is not sent.
    pub fn new(
        node: String,
        report: PeerReport,
        waits_for_upgrade: BTreeSet<String>,
        now: Stamp,
    ) -> Self {
        let PeerReport { serves, heard, skew, health } = report;
        let silence = seconds_since(heard, now);
        Self {
            node,
            waits_for_upgrade,
            serves: serves.len(),
            seconds_since_contact: silence,
            is_silent: silence > SILENT_S,
            skew_seconds: to_seconds(skew),
            is_skewed: is_skewed(skew),
            queue: health.queue,
            queue_age_seconds: health.queue_age_s,
            conflicts: health.conflicts,
            version: health.version,
            storage: NodeStorage {
                used_bytes: health.disk_used,
                limit_bytes: (health.disk_limit > 0).then_some(health.disk_limit),
            },
        }
    }
}

fn is_skewed(skew: Stamp) -> bool {
    skew.abs() > SKEW_SHOWN_US
}

fn seconds_since(moment: Stamp, now: Stamp) -> i64 {
    now.saturating_sub(moment) / 1_000_000
}

fn to_seconds(us: Stamp) -> f64 {
    us as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use hedgeschool_replication::wire::Health;

    use super::*;

    const NOW: Stamp = 1_000_000_000;

    fn node(heard: Stamp, skew: Stamp) -> NodeStatus {
        let report = PeerReport { heard, skew, ..PeerReport::default() };
        NodeStatus::new("edge".to_owned(), report, BTreeSet::new(), NOW)
    }

    #[test]
    fn a_node_is_silent_after_two_minutes_and_skewed_by_five_seconds() {
        assert!(!node(NOW - 120_999_999, 5_000_000).is_silent);
        assert!(node(NOW - 121_000_000, 0).is_silent);
        assert!(!node(NOW, 5_000_000).is_skewed && node(NOW, -5_000_001).is_skewed);
        assert_eq!(node(NOW + 9_000_000, 0).seconds_since_contact, -9);
    }

    #[test]
    fn no_limit_is_none() {
        let limit = |disk_limit| {
            let health = Health { disk_limit, ..Health::default() };
            let report = PeerReport { health, ..PeerReport::default() };
            NodeStatus::new("edge".to_owned(), report, BTreeSet::new(), NOW).storage.limit_bytes
        };
        assert_eq!((limit(0), limit(7)), (None, Some(7)));
    }

    #[test]
    fn an_upstream_that_was_never_reached_is_not_older() {
        let status = |reached, protocol| {
            let state = UpstreamState { reached, protocol, ..UpstreamState::default() };
            UpstreamStatus::new(state, &Unapplied::default(), NOW)
        };
        let never = status(0, Protocol::FIRST);
        assert!(!never.is_older && never.seconds_since_contact.is_none());
        let older = status(NOW - 3_000_000, Protocol::FIRST);
        assert!(older.is_older && older.seconds_since_contact == Some(3));
        assert!(!status(NOW, Protocol::OURS).is_older);
    }
}
