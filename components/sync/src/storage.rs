//! How much of the disk the node's stores take, and what they may.

use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_web::{Problem, settings};
use serde::Serialize;

use crate::above::Standing;
use crate::link::Link;
use crate::stores::{Error, Journal, Limits, arrivals, origin};
use crate::upstream::Upstream;

/// How often the stores are told how much they may take, at most.
const KEPT_EVERY: Duration = Duration::from_secs(1);
/// From this part of the limit on, what the upstream has too is given up: the rest is for what
/// learners do.
const HIGH: (u64, u64) = (9, 10);

/// What all stores take together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Storage {
    /// Bytes of their files.
    pub used: u64,
    /// Bytes they may take. 0: no limit.
    pub limit: u64,
}

/// A course whose bytes were given up to make room.
#[derive(Serialize)]
pub struct GivenUp {
    id: String,
    title: String,
    bytes: u64,
}

/// What is taken now, and the limit.
pub async fn storage() -> Result<Storage, Problem> {
    let mut used = 0;
    for journal in Journal::ALL {
        used += journal.usage().await?.bytes;
    }
    Ok(Storage { used, limit: limit().await? })
}

async fn limit() -> Result<u64, Problem> {
    Ok(settings::bytes("storage_limit").await?.unwrap_or(0))
}

thread_local! {
    /// When the stores were last told how much they may take.
    static KEPT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Tells every store how much it may take, so that together they keep within the limit: each may
/// take what the others leave. They give up what they can at once. Does nothing if that was done a
/// moment ago.
pub async fn keep_within_limit() -> Result<(), Problem> {
    if KEPT.get().is_some_and(|at| at.elapsed() < KEPT_EVERY) {
        return Ok(());
    }
    let mut usages = Vec::new();
    for journal in Journal::ALL {
        usages.push((journal, journal.usage().await?.bytes));
    }
    let used: u64 = usages.iter().map(|(_, bytes)| bytes).sum();
    let limit = limit().await?;
    let upstream = Upstream::configured().await?;
    let link = match &upstream {
        Some(upstream) => Some(Link::load(&upstream.url).await?),
        None => None,
    };
    for (journal, bytes) in usages {
        let others = used.saturating_sub(bytes);
        let limits = (limit > 0).then(|| Limits {
            high: (limit / HIGH.1 * HIGH.0).saturating_sub(others),
            full: limit.saturating_sub(others),
        });
        let holder = match (&upstream, &link) {
            (Some(upstream), Some(link)) => holder(journal, upstream, link).await?,
            _ => None,
        };
        match journal.keep_within(limits, holder).await {
            // Making room needs some, too: what is here is still read, and sent up.
            Err(Error::Full) => eprintln!("{}: the disk is full", journal.name()),
            kept => kept?,
        }
    }
    KEPT.set(Some(Instant::now()));
    Ok(())
}

/// The copy of a journal above that this node reads: it has what came from it.
async fn holder(
    journal: Journal,
    upstream: &Upstream,
    link: &Link,
) -> Result<Option<String>, Problem> {
    let standing = Standing::read(journal, upstream, None).await?;
    let epoch = standing.epoch_above().filter(|_| !link.node.is_empty());
    Ok(epoch.map(|epoch| origin(&link.node, epoch)))
}

/// The courses whose bytes were given up.
pub async fn given_up() -> Result<Vec<GivenUp>, Problem> {
    let courses = arrivals::given_up().await?.into_iter();
    Ok(courses.map(|it| GivenUp { id: it.id, title: it.title, bytes: it.size }).collect())
}
