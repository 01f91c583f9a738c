//! What waits here for the node above.

use hedgeschool_replication::{Position, Stamp};

use crate::checkpoint::scan::{scan_start, upstream_audience};
use crate::checkpoint::snapshot::Snapshot;
use crate::error::Result;
use crate::peer::now_us;

/// Changes that the upstream has not applied.
#[derive(Default)]
pub struct Unapplied {
    /// How many, at most.
    pub entries: u64,
    /// How old the oldest of them is, in seconds.
    pub age_s: u64,
}

/// Counts what the upstream has not applied, by what is remembered of it; `me` is this node.
pub async fn count_unapplied(me: &str, snapshot: &Snapshot) -> Result<Unapplied> {
    let (mut entries, mut oldest) = (0, None);
    for (journal, at) in &snapshot.cursors {
        let epoch = &at.cursor.epoch;
        let position = snapshot.upstream.known_position(*journal, epoch);
        if has_all(&position, at.head) {
            continue;
        }
        let theirs = at.upstream_epoch().unwrap_or_default();
        let audience = upstream_audience(me, &snapshot.upstream.node, theirs, &snapshot.below);
        let through = position.through.sequence;
        let after = scan_start(at.watermark.as_ref(), at.head, epoch, &audience, through);
        for (after, until) in unapplied_ranges(&position, after) {
            let waiting = journal.count_waiting(audience.clone(), after, until).await?;
            entries += waiting.entries;
            oldest = [oldest, waiting.oldest].into_iter().flatten().min();
        }
    }
    Ok(Unapplied { entries, age_s: age_s(oldest, now_us()) })
}

/// Whether a position has everything of a journal that ends at `head`.
fn has_all(position: &Position, head: u64) -> bool {
    position.fresh.is_none() && position.through.sequence >= head
}

/// The ranges that a position leaves out from a sequence on: after which, and through which.
fn unapplied_ranges(position: &Position, after: u64) -> Vec<(u64, Option<u64>)> {
    match &position.fresh {
        None => vec![(after, None)],
        Some(fresh) => vec![(after, Some(fresh.after)), (fresh.through.sequence.max(after), None)],
    }
}

/// How old something is, in whole seconds; 0 if it is of the future.
fn age_s(oldest: Option<Stamp>, now: Stamp) -> u64 {
    let age_us = oldest.map_or(0, |oldest| now.saturating_sub(oldest));
    u64::try_from(age_us / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use hedgeschool_replication::{Checkpoint, Span};

    use super::*;

    fn checkpoint(sequence: u64) -> Checkpoint {
        Checkpoint { sequence, token: "t".to_owned() }
    }

    #[test]
    fn what_no_lane_has_is_counted() {
        let position = Position { through: checkpoint(10), fresh: None };
        assert!(has_all(&position, 10) && !has_all(&position, 11));
        assert_eq!(unapplied_ranges(&position, 10), [(10, None)]);
        let fresh = Span { after: 90, through: checkpoint(120) };
        let position = Position { fresh: Some(fresh), ..position };
        assert!(!has_all(&position, 10));
        assert_eq!(unapplied_ranges(&position, 10), [(10, Some(90)), (120, None)]);
    }

    #[test]
    fn clocks_that_jump_make_nothing_younger_than_now() {
        assert_eq!(age_s(Some(1_000_000), 3_999_999), 2);
        assert_eq!((age_s(Some(5_000_000), 0), age_s(None, 7)), (0, 0));
    }
}
