//! How much of the disk the node's stores take, and what they may.

use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_web::settings;
use serde::Serialize;

use crate::checkpoint::Snapshot;
use crate::error::{Result, SyncError};
use crate::store::{Journal, Limits, arrivals, origin_of};

/// How often the stores are told how much they may take, at most.
const TOLD_EVERY: Duration = Duration::from_secs(1);
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
pub async fn read_storage() -> Result<Storage> {
    let mut used = 0;
    for journal in Journal::ALL {
        used += journal.read_usage().await?.bytes;
    }
    Ok(Storage { used, limit: read_limit().await? })
}

async fn read_limit() -> Result<u64> {
    Ok(settings::bytes("storage_limit").await?.unwrap_or(0))
}

thread_local! {
    /// When the stores were last told how much they may take.
    static TOLD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Whether the stores are to be told again how much they may take.
pub fn is_due() -> bool {
    TOLD.get().is_none_or(|at| at.elapsed() >= TOLD_EVERY)
}

/// What a store that takes `own` bytes of all that are `used` may take: what the others leave of
/// the limit. None: there is none.
fn limits_of(limit: u64, used: u64, own: u64) -> Option<Limits> {
    let others = used.saturating_sub(own);
    (limit > 0).then(|| Limits {
        high: (limit / HIGH.1 * HIGH.0).saturating_sub(others),
        full: limit.saturating_sub(others),
    })
}

/// Tells every store how much it may take, so that together they keep within the limit. They give
/// up what they can at once. Does nothing if that was done a moment ago. The snapshot says which
/// copies of the journals above have what came from there; none: no node is above.
pub async fn keep_within_limit(snapshot: Option<&Snapshot>) -> Result<()> {
    if !is_due() {
        return Ok(());
    }
    let mut usages = Vec::new();
    for journal in Journal::ALL {
        usages.push((journal, journal.read_usage().await?.bytes));
    }
    let used: u64 = usages.iter().map(|(_, bytes)| bytes).sum();
    let limit = read_limit().await?;
    for (journal, bytes) in usages {
        let holder = snapshot.and_then(|snapshot| holder_of(journal, snapshot));
        match journal.keep_within(limits_of(limit, used, bytes), holder).await {
            // Making room needs some, too: what is here is still read, and sent up.
            Err(SyncError::Full) => eprintln!("{}: the disk is full", journal.name()),
            kept => kept?,
        }
    }
    TOLD.set(Some(Instant::now()));
    Ok(())
}

/// The copy of a journal above that this node reads: it has what came from it.
fn holder_of(journal: Journal, snapshot: &Snapshot) -> Option<String> {
    let node = &snapshot.upstream.node;
    let epoch = snapshot.cursor_of(journal)?.upstream_epoch()?;
    (!node.is_empty()).then(|| origin_of(node, epoch))
}

/// The courses whose bytes were given up.
pub async fn list_given_up() -> Result<Vec<GivenUp>> {
    let courses = arrivals::given_up().await?.into_iter();
    Ok(courses.map(|it| GivenUp { id: it.id, title: it.title, bytes: it.size }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_may_take_what_the_others_leave() {
        let limits = |limit, used, own| {
            limits_of(limit, used, own).map(|Limits { high, full }| (high, full))
        };
        assert_eq!(limits(0, 700, 100), None);
        assert_eq!(limits(1_000, 700, 100), Some((300, 400)));
        assert_eq!(limits(1_000, 100, 100), Some((900, 1_000)));
        // The others take more than all may: this one may take nothing.
        assert_eq!(limits(1_000, 2_000, 100), Some((0, 0)));
    }
}
