//! Copying the WAL into the database, while the writer goes on.
//!
//! A checkpoint writes and synchronises megabytes: on the writer's thread everybody would wait for it.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::Error;
use crate::link::Role;
use crate::options::{COPY_LEFT_PAGES, COPY_PASSES_MAX};
use crate::queue::Queue;
use crate::shared::Shared;
use crate::stats::count;

/// What the writer and the thread that copies have in common.
pub(crate) struct Checkpoints {
    pub(crate) requests: Queue<()>,
    /// A copy is asked for or under way.
    is_busy: AtomicBool,
    /// Pages of the WAL that the last copy has put into the database.
    copied: AtomicI64,
    /// Held by whoever copies: SQLite fails a second checkpoint rather than let it wait.
    turn: Mutex<()>,
}

impl Checkpoints {
    pub(crate) fn new() -> Self {
        Self {
            requests: Queue::new(1),
            is_busy: AtomicBool::new(false),
            copied: AtomicI64::new(0),
            turn: Mutex::new(()),
        }
    }

    /// Pages of the WAL that the last copy has put into the database; `None` while there is one under way.
    pub(crate) fn copied(&self) -> Option<i64> {
        (!self.is_busy.load(SeqCst)).then(|| self.copied.load(SeqCst))
    }

    pub(crate) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, SeqCst);
    }

    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that copies, until the queue is closed and empty.
pub(crate) fn copy_all(shared: &Shared) {
    while shared.checkpoints.requests.pop().is_some() {
        let _busy = Busy(&shared.checkpoints);
        if let Err(error) = copy(shared) {
            tracing::warn!(%error, "checkpoint failed; the WAL keeps everything");
        }
    }
}

/// Tells the writer that the copy is over, even if by a panic.
struct Busy<'a>(&'a Checkpoints);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set_busy(false);
    }
}

/// Opens a connection for each copy: seconds lie between two, and it would keep a page cache.
fn copy(shared: &Shared) -> Result<(), Error> {
    let _turn = shared.checkpoints.turn();
    count(&shared.counters.checkpoints);
    let link = shared.open_link(Role::Reader)?;
    let mut left = i64::MAX;
    for _ in 0..COPY_PASSES_MAX {
        let copied = link.checkpoint("PASSIVE")?;
        thread::sleep(shared.options.sync_delay);
        shared.checkpoints.copied.store(copied.copied, SeqCst);
        let pages = i64::try_from(shared.counters.wal_pages.load(Relaxed)).unwrap_or(i64::MAX);
        let left_before = mem::replace(&mut left, pages - copied.copied);
        if !copied.is_all() || !(COPY_LEFT_PAGES..left_before).contains(&left) {
            break;
        }
    }
    Ok(())
}
