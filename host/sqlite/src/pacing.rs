//! How long a group of statements is kept open for more, before it is committed.

use std::time::{Duration, Instant};

use crate::options::{COMMIT_TIME_SLOW, PAUSE_SHARE};

/// How the last commit went, to judge whether it pays to wait for more before the next.
///
/// Those who were just answered often send again at once. Without a pause the first of them would
/// start a commit of its own, the others would wait for it, and two half-filled groups would take
/// turns. A pause of a small part of a commit's time brings them together; on a disk that
/// synchronises at once there is none.
#[derive(Default)]
pub(crate) struct CommitPacing {
    /// Statements that were answered or waiting when the last commit was done.
    pub(crate) expected: usize,
    /// How long the last commit took.
    pub(crate) commit_time: Duration,
}

impl CommitPacing {
    /// Until when a group of so many, begun then, is to be kept open.
    pub(crate) fn keep_open(&self, started: Instant, statements: usize) -> Instant {
        let is_worth_it = self.commit_time >= COMMIT_TIME_SLOW && statements < self.expected;
        if is_worth_it { started + self.commit_time / PAUSE_SHARE } else { started }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long a group of so many is kept open after a commit of that time, with so many expected.
    fn pause(commit_time: Duration, expected: usize, statements: usize) -> Duration {
        let started = Instant::now();
        let pacing = CommitPacing { expected, commit_time };
        pacing.keep_open(started, statements) - started
    }

    #[test]
    fn on_a_slow_disk_a_group_waits_for_those_who_are_expected() {
        let slow = 3 * COMMIT_TIME_SLOW;
        assert_eq!(pause(slow, 8, 3), slow / PAUSE_SHARE);
        assert_eq!(pause(slow, 8, 8), Duration::ZERO, "all are there");
        assert_eq!(pause(slow, 0, 1), Duration::ZERO, "nobody is expected");
    }

    #[test]
    fn on_a_fast_disk_nobody_waits() {
        assert_eq!(pause(COMMIT_TIME_SLOW / 2, 8, 1), Duration::ZERO);
        assert_eq!(CommitPacing::default().commit_time, Duration::ZERO, "nor at the first commit");
    }
}
