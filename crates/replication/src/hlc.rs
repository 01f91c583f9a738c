//! Time for versions: a hybrid logical clock (Kulkarni et al., 2014) for each thing that has
//! versions.
//!
//! A stamp is microseconds since 1970, and always later than the stamp it replaces, so a change
//! made with knowledge of another is later than it whatever the clocks say. Only between changes
//! that do not know of each other does a clock decide: one that is behind loses there, one that is
//! ahead wins, and whoever loses is kept for people to see. Stamps from the future are taken as
//! they are: nodes whose clocks differ would disagree on which ones to refuse, and a node below or
//! above that has taken one would be cut off by one that has not.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Stamp = i64;

/// The last stamp that is taken from a peer, of the year 75,000: whatever is stamped needs room
/// for changes.
pub const STAMP_MAX: Stamp = 1 << 61;

/// From which difference on a peer's clock is shown to operators as wrong.
pub const SKEW_SHOWN_US: Stamp = 5_000_000;

/// The stamp of a change made now, which replaces what has the stamp `last`.
pub fn next_stamp(now: Stamp, last: Option<Stamp>) -> Stamp {
    last.map_or(now, |last| now.max(last.saturating_add(1)))
}

/// Whether any clock can have said this.
pub fn is_possible(stamp: Stamp) -> bool {
    (0..=STAMP_MAX).contains(&stamp)
}

/// How far a peer's clock is ahead of ours (behind: negative): it said `theirs` at some moment
/// between our `asked` and `answered`.
pub fn clock_skew(asked: Stamp, theirs: Stamp, answered: Stamp) -> Stamp {
    theirs.saturating_sub(asked.midpoint(answered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_middle_of_a_request_is_when_the_other_clock_was_read() {
        assert_eq!(clock_skew(1_000, 6_500, 2_000), 5_000);
        assert_eq!(clock_skew(1_000, 0, 2_000), -1_500);
    }

    proptest! {
        #[test]
        fn stamps_grow(now in 0..=STAMP_MAX, last in prop::option::of(0..=STAMP_MAX)) {
            let stamp = next_stamp(now, last);
            prop_assert!(stamp >= now && last.is_none_or(|last| stamp > last));
        }
    }
}
