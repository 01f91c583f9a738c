//! How this node stands with others.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hedgeschool_redis::{Failure, Redis};
use hedgeschool_replication::Protocol;
use hedgeschool_replication::hlc::SKEW_SHOWN_US;
use hedgeschool_replication::wire::Health;
use hedgeschool_web::{Problem, Reply, StatusCode};
use serde::Serialize;

use crate::link::Link;
use crate::metrics;
use crate::node::{self, Below};
use crate::queue::Queue;
use crate::storage::{self, GivenUp, Storage};
use crate::stores::{Error, Journal, arrivals, node_state};
use crate::upstream::Upstream;
use crate::{waiting, withheld};

/// A node without news for longer than this is shown as silent, in seconds.
const SILENT_S: i64 = 120;
/// How often a problem with Redis is kept, in microseconds.
const REDIS_NOTED_EVERY_US: i64 = 10_000_000;
/// After so long without problems another one is logged, in microseconds.
const REDIS_LOGGED_AFTER_US: i64 = 60_000_000;

/// How old an account of how this node stands may be.
const HEALTH_AGE: Duration = Duration::from_secs(1);
/// To how many bytes it is told how much of the disk is used.
const TOLD_BYTES: u64 = 1 << 20;

/// `GET /sync/v1/status`.
#[derive(Serialize)]
pub struct Status {
    pub node: String,
    pub version: &'static str,
    /// Null: this node has no upstream, or does not replicate.
    pub upstream: Option<Above>,
    /// The nodes that replicate with this one.
    pub nodes: Vec<Node>,
    /// Conflicts that nobody has settled.
    pub conflicts: u64,
    /// Courses on their way here.
    pub arriving: Vec<Arriving>,
    /// What the stores take of the disk.
    pub storage: Taken,
    /// Last sequence of each journal.
    pub journals: BTreeMap<&'static str, u64>,
    /// The queue of batches from below. Null: this node has no Redis.
    pub redis: Option<Queued>,
}

#[derive(Serialize)]
pub struct Queued {
    /// Batches that wait to be applied. Null: Redis does not say.
    pub queue: Option<u64>,
    /// Why it does not. The node goes on without it.
    pub problem: Option<String>,
    /// What the last problem was.
    pub last_problem: Option<RedisProblem>,
}

/// The last time that Redis was of no help.
#[derive(Serialize)]
pub struct RedisProblem {
    /// In microseconds since 1970.
    pub at: i64,
    pub problem: String,
}

#[derive(Serialize)]
pub struct Taken {
    pub used_bytes: u64,
    /// Null: there is none.
    pub limit_bytes: Option<u64>,
    /// Courses whose bytes were given up to make room; they stay listed, and come back.
    pub given_up: Vec<GivenUp>,
}

#[derive(Serialize)]
pub struct NodeStorage {
    pub used_bytes: u64,
    /// Null: there is none.
    pub limit_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct Above {
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

#[derive(Serialize)]
pub struct Node {
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

#[derive(Serialize)]
pub struct Arriving {
    pub id: String,
    pub title: String,
    pub have_bytes: u64,
    pub bytes: u64,
}

thread_local! {
    /// When it was last looked how this node stands, and how.
    static HEALTH: RefCell<Option<(Instant, Health)>> = const { RefCell::new(None) };
}

/// How this node stands, or did a moment ago, as it tells its upstream.
pub async fn health(upstream: &Upstream) -> Result<Health, Problem> {
    let known = HEALTH.with_borrow(Clone::clone);
    if let Some((_, health)) = known.filter(|(at, _)| at.elapsed() < HEALTH_AGE) {
        return Ok(health);
    }
    let queue = waiting::queue(upstream, &Link::load(&upstream.url).await?).await?;
    let Storage { used, limit } = storage::storage().await?;
    let health = Health {
        queue: queue.entries,
        queue_age_s: queue.age_s,
        conflicts: conflicts().await?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // Whatever differs from last time is noted above.
        disk_used: used.next_multiple_of(TOLD_BYTES),
        disk_limit: limit,
        protocol: Protocol::OURS,
    };
    HEALTH.set(Some((Instant::now(), health.clone())));
    Ok(health)
}

async fn conflicts() -> Result<u64, Problem> {
    let mut count = 0;
    for journal in Journal::ALL {
        count += journal.count_conflicts().await?;
    }
    Ok(count)
}

/// Answers `GET /sync/v1/status`.
pub async fn show() -> Result<Reply, Problem> {
    Reply::json(&status().await?)
}

/// Answers `GET /sync/v1/metrics`.
pub async fn show_metrics() -> Result<Reply, Problem> {
    let text = metrics::text(&status().await?).map_err(Problem::internal)?;
    Ok(Reply::new(StatusCode::OK, metrics::MEDIA_TYPE, text))
}

async fn status() -> Result<Status, Problem> {
    let mut journals = BTreeMap::new();
    for journal in Journal::ALL {
        journals.insert(journal.name(), journal.head().await?);
    }
    let arriving = arrivals::arriving().await?.into_iter().map(|arrival| Arriving {
        id: arrival.id,
        title: arrival.title,
        have_bytes: arrival.have,
        bytes: arrival.size,
    });
    let storage = storage::storage().await?;
    Ok(Status {
        node: node::id().await?,
        version: env!("CARGO_PKG_VERSION"),
        upstream: above().await?,
        nodes: nodes().await?,
        conflicts: conflicts().await?,
        arriving: arriving.collect(),
        storage: Taken {
            used_bytes: storage.used,
            limit_bytes: (storage.limit > 0).then_some(storage.limit),
            given_up: storage::given_up().await?,
        },
        journals,
        redis: redis().await?,
    })
}

async fn redis() -> Result<Option<Queued>, Problem> {
    let Some(redis) = Redis::configured().await? else { return Ok(None) };
    let length = Queue::new(redis).length().await;
    let problem = length.as_ref().err().map(ToString::to_string);
    Ok(Some(Queued { queue: length.ok(), problem, last_problem: redis_problem().await? }))
}

async fn redis_problem() -> Result<Option<RedisProblem>, Problem> {
    let problem = node_state::find_redis_problem().await.map_err(Error::from)?;
    Ok(problem.map(|it| RedisProblem { at: it.at, problem: it.problem }))
}

/// Remembers that Redis was of no help.
pub async fn note_redis(failure: &Failure) -> Result<(), Problem> {
    let at = node::now();
    let since_us = redis_problem().await?.map_or(i64::MAX, |last| at.saturating_sub(last.at));
    if since_us < REDIS_NOTED_EVERY_US {
        return Ok(());
    }
    let problem = failure.to_string();
    if since_us > REDIS_LOGGED_AFTER_US {
        eprintln!("redis: {problem}; batches are applied without it");
    }
    let problem = node_state::RedisProblem { at, problem };
    Ok(node_state::set_redis_problem(problem).await.map_err(Error::from)?)
}

async fn above() -> Result<Option<Above>, Problem> {
    let Some(upstream) = Upstream::configured().await? else { return Ok(None) };
    let link = Link::load(&upstream.url).await?;
    let queue = waiting::queue(&upstream, &link).await?;
    Ok(Some(Above {
        url: upstream.url,
        seconds_since_contact: (link.reached > 0).then(|| seconds_since(link.reached)),
        seconds_failing: link.failing_since.map(seconds_since),
        skew_seconds: seconds(link.skew),
        is_skewed: link.skew.abs() > SKEW_SHOWN_US,
        node: link.node,
        version: link.version,
        is_older: link.reached > 0 && link.protocol < Protocol::OURS,
        waits_for_upgrade: link.withheld.into_values().flatten().collect(),
        problem: link.problem,
        advice: link.advice,
        is_refused: link.is_refused,
        queue: queue.entries,
        queue_age_seconds: queue.age_s,
    }))
}

/// The nodes below, as they have told.
async fn nodes() -> Result<Vec<Node>, Problem> {
    let mut withheld = withheld::below().await?;
    let nodes = node::below().await?.into_iter().map(|(node, told)| {
        let waits = withheld.remove(&node).unwrap_or_default();
        below(node, told, waits)
    });
    Ok(nodes.collect())
}

fn below(node: String, told: Below, waits_for_upgrade: BTreeSet<String>) -> Node {
    let silence = seconds_since(told.heard);
    Node {
        node,
        waits_for_upgrade,
        serves: told.serves.len(),
        seconds_since_contact: silence,
        is_silent: silence > SILENT_S,
        skew_seconds: seconds(told.skew),
        is_skewed: told.skew.abs() > SKEW_SHOWN_US,
        queue: told.health.queue,
        queue_age_seconds: told.health.queue_age_s,
        conflicts: told.health.conflicts,
        version: told.health.version,
        storage: NodeStorage {
            used_bytes: told.health.disk_used,
            limit_bytes: (told.health.disk_limit > 0).then_some(told.health.disk_limit),
        },
    }
}

fn seconds_since(moment: i64) -> i64 {
    node::now().saturating_sub(moment) / 1_000_000
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}
