//! How this node stands, as it tells the node above.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use hedgeschool_replication::Protocol;
use hedgeschool_replication::wire::Health;

use crate::admin::storage::{Storage, read_storage};
use crate::checkpoint::{Snapshot, Unapplied, count_unapplied};
use crate::error::Result;
use crate::store::Journal;

/// How old an account of how this node stands may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// To how many bytes it is told how much of the disk is used.
const TOLD_BYTES: u64 = 1 << 20;

thread_local! {
    /// When it was last looked how this node stands, and how.
    static HEALTH: RefCell<Option<(Instant, Health)>> = const { RefCell::new(None) };
}

/// How this node, `me`, stands, or did a moment ago.
pub async fn read_health(me: &str, snapshot: &Snapshot) -> Result<Health> {
    let known = HEALTH.with_borrow(Clone::clone);
    if let Some((_, health)) = known.filter(|(at, _)| at.elapsed() < AGE_MAX) {
        return Ok(health);
    }
    let unapplied = count_unapplied(me, snapshot).await?;
    let health = make_health(&unapplied, read_storage().await?, count_conflicts().await?);
    HEALTH.set(Some((Instant::now(), health.clone())));
    Ok(health)
}

fn make_health(unapplied: &Unapplied, storage: Storage, conflicts: u64) -> Health {
    Health {
        queue: unapplied.entries,
        queue_age_s: unapplied.age_s,
        conflicts,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        // Whatever differs from last time is recorded above.
        disk_used: storage.used.next_multiple_of(TOLD_BYTES),
        disk_limit: storage.limit,
        protocol: Protocol::OURS,
    }
}

/// Conflicts of all journals that nobody has settled.
pub async fn count_conflicts() -> Result<u64> {
    let mut count = 0;
    for journal in Journal::ALL {
        count += journal.count_conflicts().await?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_more_is_no_news() {
        let told = |used| {
            let storage = Storage { used, limit: 9 };
            make_health(&Unapplied { entries: 3, age_s: 4 }, storage, 5)
        };
        assert_eq!(told((5 << 20) + 1).disk_used, 6 << 20);
        assert_eq!(told((5 << 20) + 1), told((5 << 20) + 2));
        let health = told(0);
        assert_eq!((health.queue, health.queue_age_s, health.conflicts), (3, 4, 5));
        assert_eq!((health.disk_used, health.disk_limit), (0, 9));
    }
}
