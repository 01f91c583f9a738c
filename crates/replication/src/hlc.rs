//! Time for versions: a hybrid logical clock (Kulkarni et al., 2014) for each thing that has versions.
//!
//! A stamp is microseconds since 1970, and always later than the stamp it replaces, so a change made with
//! knowledge of another is later than it whatever the clocks say. A clock that is behind does no harm beyond
//! losing against concurrent changes. One that is ahead would win for days: so no node takes stamps from
//! further ahead than [`AHEAD_MAX_US`]; it refuses them with its own time, and the sender, who alone
//! may, sets its stamps back to that ([`set_back`]). No stamp from the future gets further than its maker.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Stamp = i64;

/// How far ahead of the receiver's clock a stamp may be: clocks that are set by network time differ by less.
pub const AHEAD_MAX_US: Stamp = 60_000_000;

/// From which difference on a peer's clock is shown to operators as wrong.
pub const SKEW_SHOWN_US: Stamp = 5_000_000;

/// The stamp of a change made now, which replaces what has the stamp `last`.
pub fn next(now: Stamp, last: Option<Stamp>) -> Stamp {
    last.map_or(now, |last| now.max(last.saturating_add(1)))
}

/// Whether a receiver whose clock says `now` refuses a stamp.
pub fn is_ahead(stamp: Stamp, now: Stamp) -> bool {
    stamp > now.saturating_add(AHEAD_MAX_US)
}

/// What becomes of a stamp when a receiver says that it is `now`.
pub fn set_back(stamp: Stamp, now: Stamp) -> Stamp {
    if is_ahead(stamp, now) { now } else { stamp }
}

/// How far a peer's clock is ahead of ours (behind: negative): it said `theirs` at some moment between our
/// `asked` and `answered`.
pub fn skew(asked: Stamp, theirs: Stamp, answered: Stamp) -> Stamp {
    theirs.saturating_sub(asked.midpoint(answered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_middle_of_a_request_is_when_the_other_clock_was_read() {
        assert_eq!(skew(1_000, 6_500, 2_000), 5_000);
        assert_eq!(skew(1_000, 0, 2_000), -1_500);
    }

    proptest! {
        #[test]
        fn stamps_grow_and_are_accepted_once_set_back(now: Stamp, last: Option<Stamp>, theirs: Stamp) {
            let stamp = next(now, last);
            prop_assert!(stamp >= now && last.is_none_or(|last| stamp > last || last == Stamp::MAX));
            prop_assert!(!is_ahead(set_back(stamp, theirs), theirs));
        }
    }
}
