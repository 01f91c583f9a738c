//! What a round does next. Its parts go on beside each other: one pushes, one pulls, others fetch.

use std::time::Duration;

use crate::timing::{EARLY_REPLY_BACKOFF, LONG_POLL_WAIT};

/// How often a round that lingers records what the upstream has applied, at most.
pub const RECORD_EVERY: Duration = Duration::from_secs(1);

/// A round at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RoundMoment {
    /// It passes on news as they come, and does not end with the work.
    pub lingers: bool,
    /// One of its parts has failed: nothing new is begun.
    pub is_over: bool,
    /// How long it may go on.
    pub left: Duration,
}

/// What the part that pulls does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullStep {
    /// Ask the upstream, which waits so long for news.
    Ask {
        /// Zero: it answers at once.
        wait: Duration,
    },
    /// End.
    Stop {
        /// There is more to pull.
        more: bool,
    },
}

/// What the part that pushes does next, having sent all there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushStep {
    /// Record how far the upstream is.
    pub records: bool,
    /// Look again, after a moment, whether there is something to send.
    pub goes_on: bool,
    /// Time is over: there may be more to send.
    pub more: bool,
}

impl RoundMoment {
    /// Whether something new may begin.
    pub fn goes_on(&self) -> bool {
        !self.is_over && !self.left.is_zero()
    }

    /// Whether a part that has nothing to do looks again.
    pub fn looks_again(&self) -> bool {
        self.lingers && self.goes_on()
    }

    /// What the part that pulls does next, if the upstream has more, and the disk here is full for
    /// some of it: that would come again and again.
    pub fn next_pull(&self, has_more: bool, is_full: bool) -> PullStep {
        if is_full {
            return PullStep::Stop { more: false };
        }
        if !self.goes_on() || !(has_more || self.lingers) {
            return PullStep::Stop { more: has_more };
        }
        let wait = if has_more { Duration::ZERO } else { self.left.min(LONG_POLL_WAIT) };
        PullStep::Ask { wait }
    }

    /// What the part that pushes does next, if the upstream has applied something that
    /// `is_unrecorded`, and that was done so long ago for the last time.
    pub fn next_push(&self, is_unrecorded: bool, recorded: Option<Duration>) -> PushStep {
        if self.left.is_zero() {
            return PushStep { records: false, goes_on: false, more: true };
        }
        let is_due = recorded.is_none_or(|ago| ago > RECORD_EVERY);
        let records = self.lingers && is_unrecorded && is_due;
        PushStep { records, goes_on: self.lingers && !self.is_over, more: false }
    }
}

/// The pause after an answer to a long poll that brought nothing, if it came early: the upstream
/// does not wait, although it was asked to.
pub fn early_reply_pause(entries: u64, took: Duration, wait: Duration) -> Option<Duration> {
    (entries == 0 && took < wait / 2).then_some(EARLY_REPLY_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn moment(lingers: bool, is_over: bool, seconds: u64) -> RoundMoment {
        RoundMoment { lingers, is_over, left: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_round_pulls_what_there_is_and_one_that_lingers_waits_for_more() {
        let once = moment(false, false, 8);
        assert_eq!(once.next_pull(true, false), PullStep::Ask { wait: Duration::ZERO });
        assert_eq!(once.next_pull(false, false), PullStep::Stop { more: false });
        let lingering = moment(true, false, 8);
        assert_eq!(lingering.next_pull(false, false), PullStep::Ask { wait: LONG_POLL_WAIT });
        assert_eq!(moment(true, false, 1).next_pull(false, false), PullStep::Ask { wait: SECOND });
        assert_eq!(lingering.next_pull(true, true), PullStep::Stop { more: false });
        assert_eq!(moment(true, true, 8).next_pull(true, false), PullStep::Stop { more: true });
    }

    #[test]
    fn a_round_that_lingers_records_its_progress_once_a_second() {
        let once = moment(false, false, 8);
        let ended = PushStep { records: false, goes_on: false, more: false };
        assert_eq!(once.next_push(true, None), ended);
        let lingering = moment(true, false, 8);
        let records = |unrecorded, ago| lingering.next_push(unrecorded, ago).records;
        assert!(records(true, None) && records(true, Some(2 * SECOND)));
        assert!(!records(true, Some(SECOND / 2)) && !records(false, None));
        assert!(moment(true, false, 0).next_push(false, None).more);
        assert!(!moment(true, true, 8).next_push(false, None).goes_on);
    }

    #[test]
    fn who_does_not_wait_is_asked_less_often() {
        assert_eq!(early_reply_pause(0, SECOND, 5 * SECOND), Some(EARLY_REPLY_BACKOFF));
        assert_eq!(early_reply_pause(0, 3 * SECOND, 5 * SECOND), None);
        assert_eq!(early_reply_pause(1, SECOND, 5 * SECOND), None);
        assert_eq!(early_reply_pause(0, Duration::ZERO, Duration::ZERO), None);
    }

    proptest! {
        /// Nothing new begins in a round that is over, and no wait is longer than what is left.
        #[test]
        fn a_round_ends(
            lingers: bool,
            is_over: bool,
            left_ms in 0u64..20_000,
            has_more: bool,
            is_full: bool,
        ) {
            let moment = RoundMoment { lingers, is_over, left: Duration::from_millis(left_ms) };
            match moment.next_pull(has_more, is_full) {
                PullStep::Ask { wait } => {
                    prop_assert!(moment.goes_on() && wait <= moment.left);
                    prop_assert!(has_more == wait.is_zero());
                }
                PullStep::Stop { more } => prop_assert!(!more || has_more),
            }
            let step = moment.next_push(has_more, None);
            prop_assert!(!step.goes_on || moment.looks_again());
        }
    }
}
