//! How long the WAL may become: when it is copied into the database, and when it is to start over.
//!
//! Commits write many pages anew that earlier ones have written, and a copy takes the last of them. So a copy every few commits
//! costs less than one every commit, which after large batches is what a fixed number of pages comes to.

use std::mem;
use std::time::Duration;

use crate::options::{
    COPY_COMMITS, COPY_PAGES_MAX, COPY_PAGES_MIN, RESTART_PAGES, RESTART_WAIT, RESTART_WAIT_MAX,
    WAL_PAGES_LONG, WAL_PAGES_MAX,
};

/// What is to be done about the WAL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
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
    /// Its size after the last commit, when it was last copied, and when it was last to start over.
    pages: i64,
    pages_copied: i64,
    pages_at_restart: i64,
    /// What a large commit writes. Forgotten bit by bit, when only smaller ones follow.
    commit_pages: i64,
    /// A copy was asked for, and nobody has looked yet whether it is made.
    is_being_copied: bool,
}

impl WalWatch {
    /// To be asked after commits: `pages` is the size now, `copied` how many of them the last copy has seen, if none is under
    /// way.
    pub(crate) fn after(&mut self, pages: i64, copied: Option<i64>) -> Step {
        self.measure(pages);
        let Some(copied) = copied else { return Step::Leave };
        let is_copied = mem::take(&mut self.is_being_copied);
        // A copy of more than there is was one of what was there before it started over.
        if is_copied && copied <= pages {
            self.pages_copied = self.pages_copied.max(copied);
        }
        let portion = (COPY_COMMITS * self.commit_pages).clamp(COPY_PAGES_MIN, COPY_PAGES_MAX);
        // A writer that never rests has to make it start over, best when a copy is just done and little is left.
        let is_long = pages > WAL_PAGES_LONG.max(2 * portion);
        if is_copied && is_long && pages - self.pages_at_restart >= RESTART_PAGES {
            self.pages_at_restart = pages;
            let wait = if pages > WAL_PAGES_MAX { RESTART_WAIT_MAX } else { RESTART_WAIT };
            Step::StartOver { wait }
        } else if pages - self.pages_copied >= portion {
            self.pages_copied = pages;
            self.is_being_copied = true;
            Step::Copy
        } else {
            Step::Leave
        }
    }

    fn measure(&mut self, pages: i64) {
        let has_started_over = pages < self.pages;
        if has_started_over {
            (self.pages, self.pages_copied, self.pages_at_restart) = (0, 0, 0);
        }
        let written = pages - self.pages;
        self.commit_pages = written.max(self.commit_pages * 7 / 8);
        self.pages = pages;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes at which something is done while commits of so many pages follow each other, each copy is made
    /// before the next commit, and the WAL starts over when it is to.
    fn steps(commit: i64, commits: usize) -> Vec<(i64, Step)> {
        let (mut watch, mut pages, mut copied) = (WalWatch::default(), 0, 0);
        let mut steps = Vec::new();
        for _ in 0..commits {
            pages += commit;
            let step = watch.after(pages, Some(copied));
            match step {
                Step::Leave => continue,
                Step::Copy => copied = pages,
                Step::StartOver { .. } => {}
            }
            steps.push((pages, step));
            if let Some((_, Step::StartOver { .. })) = steps.last() {
                pages = 0;
            }
        }
        steps
    }

    #[test]
    fn after_small_commits_it_is_copied_early_and_starts_over_soon() {
        let start_over = Step::StartOver { wait: RESTART_WAIT };
        let expected = [(1000, Step::Copy), (2000, Step::Copy), (3000, Step::Copy)];
        let then = [(3010, start_over), (1000, Step::Copy)];
        assert_eq!(steps(10, 401), expected.into_iter().chain(then).collect::<Vec<_>>());
    }

    #[test]
    fn after_large_commits_it_is_copied_every_few_of_them() {
        let start_over = Step::StartOver { wait: RESTART_WAIT };
        let expected = [(3000, Step::Copy), (6000, Step::Copy), (6500, start_over)];
        assert_eq!(steps(500, 13), expected);
    }

    #[test]
    fn however_large_commits_are_copies_have_a_bound() {
        assert_eq!(steps(5000, 1), [(5000, Step::Copy)]);
        let mut watch = WalWatch::default();
        watch.after(3000, Some(0));
        assert_eq!(watch.after(3000 + 10, Some(0)), Step::Leave, "six times 2,625");
        assert_eq!(watch.after(COPY_PAGES_MAX, Some(0)), Step::Copy);
    }

    #[test]
    fn while_it_is_copied_nothing_else_is_done() {
        let mut watch = WalWatch::default();
        assert_eq!(watch.after(5000, Some(0)), Step::Copy);
        assert_eq!(watch.after(90_000, None), Step::Leave);
        // The copy went on to what was written meanwhile.
        assert_eq!(watch.after(90_010, Some(90_000)), Step::StartOver { wait: RESTART_WAIT_MAX });
        assert_eq!(watch.after(90_020, Some(90_000)), Step::Leave);
    }

    #[test]
    fn what_started_over_by_itself_is_measured_anew() {
        let mut watch = WalWatch::default();
        let mut at = |pages, copied| watch.after(pages, Some(copied));
        let grown: Vec<_> = (100..=1000).step_by(100).map(|pages| at(pages, 0)).collect();
        assert_eq!(grown.last(), Some(&Step::Copy));
        for pages in (100..1000).step_by(100) {
            assert_eq!(at(pages, 1000), Step::Leave, "at {pages}");
        }
        assert_eq!(at(1000, 1000), Step::Copy);
    }
}
