use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::error::Error;

/// What a database has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions committed, each one fsync.
    pub commits: u64,
    /// Microseconds that they took, the fsync in them.
    pub commit_us: u64,
    /// Microseconds that statements waited for their turn.
    pub wait_us: u64,
    /// Writing statements run for guests, failed ones included.
    pub writes: u64,
    /// Reading statements run for guests, failed ones included.
    pub reads: u64,
    /// Statements that ended in an error.
    pub errors: u64,
    /// Of them, those that met a damaged page, or no database at all.
    pub damaged: u64,
    /// Guest transactions begun.
    pub transactions: u64,
    /// Guest transactions rolled back by the host: abandoned, idle or too long.
    pub transactions_lost: u64,
    /// Shared transactions that were undone and repeated statement by statement.
    pub batches_repeated: u64,
    /// Most statements that one commit has carried.
    pub batch_statements_max: u64,
    /// Checkpoints run by the host.
    pub checkpoints: u64,
    /// Pages in the WAL at the last commit.
    pub wal_pages: u64,
    /// Reading statements that wait at this moment.
    pub reads_waiting: u64,
    /// Writing statements and transactions that wait at this moment.
    pub writes_waiting: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) commit_us: AtomicU64,
    pub(crate) wait_us: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) damaged: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) transactions_lost: AtomicU64,
    pub(crate) batches_repeated: AtomicU64,
    pub(crate) batch_statements_max: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) wal_pages: AtomicU64,
}

impl Counters {
    /// A statement ended like this.
    pub(crate) fn count_outcome<T>(&self, result: &Result<T, Error>) {
        let Err(error) = result else { return };
        self.errors.fetch_add(1, Relaxed);
        if error.is_damage() {
            self.damaged.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn read_stats(&self, reads_waiting: usize, writes_waiting: usize) -> Stats {
        Stats {
            reads_waiting: u64::try_from(reads_waiting).unwrap_or(u64::MAX),
            writes_waiting: u64::try_from(writes_waiting).unwrap_or(u64::MAX),
            commits: self.commits.load(Relaxed),
            commit_us: self.commit_us.load(Relaxed),
            wait_us: self.wait_us.load(Relaxed),
            writes: self.writes.load(Relaxed),
            reads: self.reads.load(Relaxed),
            errors: self.errors.load(Relaxed),
            damaged: self.damaged.load(Relaxed),
            transactions: self.transactions.load(Relaxed),
            transactions_lost: self.transactions_lost.load(Relaxed),
            batches_repeated: self.batches_repeated.load(Relaxed),
            batch_statements_max: self.batch_statements_max.load(Relaxed),
            checkpoints: self.checkpoints.load(Relaxed),
            wal_pages: self.wal_pages.load(Relaxed),
        }
    }
}

/// Adds the time since then.
pub(crate) fn add_since(counter: &AtomicU64, start: Instant) {
    let us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    counter.fetch_add(us, Relaxed);
}

pub(crate) fn count_one(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
