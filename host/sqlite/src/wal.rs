//! How long the WAL may become: when it is copied into the database, and when it is to start over.
//!
//! Commits write many pages anew that earlier ones have written, and a copy takes the last of
//! them. So a copy every few commits costs less than one every commit, which after large batches
//! is what a fixed number of pages comes to.

use std::mem;
use std::time::Duration;

use crate::options::{
    COPY_COMMITS, COPY_LEFT_PAGES, COPY_PAGES_MAX, COPY_PAGES_MIN, RESTART_PAGES, RESTART_WAIT,
    RESTART_WAIT_MAX, WAL_PAGES_LONG, WAL_PAGES_MAX,
};

/// What is to be done about the WAL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WalStep {
    Leave,
    /// Another thread is to copy it.
    Copy,
    /// The writer is to copy what is left, and to have it start over if readers leave it in time.
    StartOver {
        wait: Duration,
    },
}

/// What the writer knows of the WAL. Sizes are in pages.
#[derive(Default)]
pub(crate) struct WalWatch {
    /// Its size when it was last looked at.
    pages: i64,
    /// Up to where it is copied, or a copy was asked for.
    copied_to: i64,
    /// Its size when it was last to start over.
    pages_at_restart: i64,
    /// What a large commit writes. Forgotten bit by bit, when only smaller ones follow.
    commit_pages: i64,
    /// A copy was asked for, and nobody has looked yet whether it is made.
    is_being_copied: bool,
}

impl WalWatch {
    /// To be asked after each commit: `pages` is the size now, `copied` how many of them the last
    /// copy has put into the database, unless one is under way.
    pub(crate) fn after_commit(&mut self, pages: i64, copied: Option<i64>) -> WalStep {
        self.measure_growth(pages);
        let Some(copied) = copied else { return WalStep::Leave };
        let is_copied = mem::take(&mut self.is_being_copied);
        // More than there is: of what was there before it started over. If it has grown beyond
        // that since, this cannot be told, and the next copy comes one portion late.
        if is_copied && copied <= pages {
            self.copied_to = self.copied_to.max(copied);
        }
        let portion = self.copy_portion();
        // A writer that never rests has to make it start over, best when a copy is just done and
        // little is left.
        let is_long = pages > WAL_PAGES_LONG.max(2 * portion);
        if is_copied && is_long && pages - self.pages_at_restart >= RESTART_PAGES {
            self.pages_at_restart = pages;
            let wait = if pages > WAL_PAGES_MAX { RESTART_WAIT_MAX } else { RESTART_WAIT };
            WalStep::StartOver { wait }
        } else if pages - self.copied_to >= portion {
            self.copied_to = pages;
            self.is_being_copied = true;
            WalStep::Copy
        } else {
            WalStep::Leave
        }
    }

    /// How many pages are worth a copy: few, where readers have kept it from starting over, which
    /// can only be tried again after a copy.
    fn copy_portion(&self) -> i64 {
        let is_overdue = self.pages_at_restart > 0;
        let commits = if is_overdue { 0 } else { COPY_COMMITS };
        (commits * self.commit_pages).clamp(COPY_PAGES_MIN, COPY_PAGES_MAX)
    }

    /// What is found at first, an earlier writer has left: that is no commit.
    fn measure_growth(&mut self, pages: i64) {
        let before = mem::replace(&mut self.pages, pages);
        let before = if before > 0 { before } else { pages };
        let has_started_over = pages < before;
        if has_started_over {
            (self.copied_to, self.pages_at_restart) = (0, 0);
        }
        let written = if has_started_over { pages } else { pages - before };
        self.commit_pages = written.max(self.commit_pages * 7 / 8);
    }
}

/// Whether a copy is to go on with what was written meanwhile: when the WAL is so long that it may
/// start over next, so much is left that the writer would be held up by it, and it was more
/// `before`.
pub(crate) fn is_to_go_on(pages: i64, before: i64, left: i64) -> bool {
    pages > WAL_PAGES_LONG && (COPY_LEFT_PAGES..before).contains(&left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_OVER: WalStep = WalStep::StartOver { wait: RESTART_WAIT };

    /// A WAL that is copied as soon as it is asked for.
    #[derive(Default)]
    struct Wal {
        watch: WalWatch,
        pages: i64,
        copied: i64,
        /// Readers do not let it start over.
        is_held: bool,
    }

    impl Wal {
        /// The sizes at which something is done while so many commits of so many pages follow each
        /// other.
        fn commits(&mut self, count: usize, each: i64) -> Vec<(i64, WalStep)> {
            (0..count).filter_map(|_| self.commit(each)).collect()
        }

        fn commit(&mut self, pages: i64) -> Option<(i64, WalStep)> {
            self.pages += pages;
            let at = self.pages;
            let step = self.watch.after_commit(at, Some(self.copied));
            match step {
                WalStep::Leave => return None,
                WalStep::StartOver { .. } if !self.is_held => self.pages = 0,
                WalStep::Copy | WalStep::StartOver { .. } => self.copied = at,
            }
            Some((at, step))
        }
    }

    #[test]
    fn after_small_commits_it_is_copied_early_and_starts_over_soon() {
        let mut wal = Wal::default();
        let once = [
            (1000, WalStep::Copy),
            (2000, WalStep::Copy),
            (3000, WalStep::Copy),
            (3010, START_OVER),
            (1000, WalStep::Copy),
            (2000, WalStep::Copy),
            (3000, WalStep::Copy),
            (3010, START_OVER),
        ];
        assert_eq!(wal.commits(2 * 301, 10), once, "twice, and no later the second time");
    }

    #[test]
    fn after_large_commits_it_is_copied_every_few_of_them() {
        let mut wal = Wal::default();
        wal.commits(2, 500);
        wal.pages = 0;
        let expected = [(3000, WalStep::Copy), (6000, WalStep::Copy), (6500, START_OVER)];
        assert_eq!(wal.commits(13, 500), expected);
        assert_eq!(wal.commits(13, 500), expected);
    }

    #[test]
    fn a_large_commit_is_forgotten_when_small_ones_follow() {
        let mut wal = Wal::default();
        assert_eq!(wal.commits(2, 600), [], "six of them");
        let pages = wal.commits(1000, 1).first().map(|(pages, _)| *pages);
        assert!((1201..1250).contains(&pages.unwrap_or_default()), "{pages:?}");
    }

    #[test]
    fn however_large_commits_are_copies_have_a_bound() {
        let mut wal = Wal::default();
        wal.commits(1, 1);
        assert_eq!(wal.commits(3, 2_000), [(2001 + 4000, WalStep::Copy)]);
        assert_eq!(wal.watch.copy_portion(), COPY_PAGES_MAX);
    }

    #[test]
    fn what_was_left_is_no_commit() {
        let mut wal = Wal { pages: 3000, ..Wal::default() };
        assert_eq!(wal.watch.after_commit(0, Some(0)), WalStep::Leave, "nothing is committed yet");
        assert_eq!(wal.commit(1), Some((3001, WalStep::Copy)));
        assert_eq!(wal.watch.copy_portion(), COPY_PAGES_MIN);
    }

    #[test]
    fn readers_that_hold_it_are_met_with_more_patience_as_it_grows() {
        let mut wal = Wal { is_held: true, ..Wal::default() };
        let steps = wal.commits(60, 500);
        let tries = steps.iter().filter(|(_, step)| *step != WalStep::Copy);
        let waits = |(at, step): &(i64, WalStep)| match step {
            WalStep::StartOver { wait } => Some((*at, *wait)),
            _ => None,
        };
        let tries: Vec<_> = tries.filter_map(waits).collect();
        let apart = |pair: &[(i64, Duration)]| pair[1].0 - pair[0].0;
        assert!(tries.windows(2).all(|pair| (RESTART_PAGES..2_100).contains(&apart(pair))));
        let (gentle, firm): (Vec<_>, Vec<_>) = tries.iter().partition(|t| t.1 == RESTART_WAIT);
        assert!(gentle.iter().all(|(at, _)| *at <= WAL_PAGES_MAX), "{gentle:?}");
        assert!(firm.iter().all(|(at, _)| *at > WAL_PAGES_MAX) && firm.len() > 3, "{firm:?}");
    }

    #[test]
    fn a_copy_that_does_not_get_on_is_not_asked_for_again_at_each_commit() {
        let mut watch = WalWatch::default();
        let copies =
            (0..3000).filter(|pages| watch.after_commit(*pages, Some(-1)) == WalStep::Copy).count();
        assert!((1..=3).contains(&copies), "{copies}");
    }

    #[test]
    fn while_it_is_copied_nothing_else_is_done() {
        let mut watch = WalWatch::default();
        assert_eq!(watch.after_commit(5000, Some(0)), WalStep::Copy);
        assert_eq!(watch.after_commit(90_000, None), WalStep::Leave);
        // The copy went on to what was written meanwhile.
        assert_eq!(
            watch.after_commit(90_010, Some(90_000)),
            WalStep::StartOver { wait: RESTART_WAIT_MAX }
        );
        assert_eq!(watch.after_commit(90_020, Some(90_000)), WalStep::Leave);
    }

    #[test]
    fn what_started_over_by_itself_is_measured_anew() {
        let mut watch = WalWatch::default();
        assert_eq!(watch.after_commit(1000, Some(0)), WalStep::Copy);
        assert_eq!(watch.after_commit(100, None), WalStep::Leave, "while it is copied");
        for pages in (200..1000).step_by(100) {
            assert_eq!(watch.after_commit(pages, Some(1000)), WalStep::Leave, "at {pages}");
        }
        assert_eq!(watch.after_commit(1000, Some(1000)), WalStep::Copy);
    }

    #[test]
    fn a_copy_goes_on_while_it_gains_on_the_writer() {
        assert!(is_to_go_on(6000, 3000, 1200));
        assert!(!is_to_go_on(6000, 1200, 1200), "it does not");
        assert!(!is_to_go_on(6000, 1200, 100), "it is done");
        assert!(!is_to_go_on(1500, 1000, 500), "it will not start over yet");
        assert!(!is_to_go_on(10, 3000, -6000), "it has started over");
    }
}
