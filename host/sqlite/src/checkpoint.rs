//! Copying the WAL into the database, while the writer goes on.
//!
//! A checkpoint writes and synchronises megabytes: on the writer's thread everybody would wait for
//! it.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::Error;
use crate::link::Role;
use crate::options::COPY_PASSES_MAX;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::stats::count;
use crate::wal::is_to_go_on;

/// What the writer and the thread that copies have in common.
pub(crate) struct Checkpoints {
    pub(crate) requests: Queue<Asked>,
    /// A copy is asked for or under way.
    is_busy: Arc<AtomicBool>,
    /// Pages of the WAL that the last copy has put into the database.
    copied: AtomicI64,
    /// Held by whoever copies: SQLite fails a second checkpoint rather than let it wait.
    turn: Mutex<()>,
}

/// A copy that is asked for or under way, until this is dropped, by whomever.
pub(crate) struct Asked(Arc<AtomicBool>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.store(false, SeqCst);
    }
}

impl Checkpoints {
    pub(crate) fn new() -> Self {
        Self {
            requests: Queue::new(1),
            is_busy: Arc::default(),
            copied: AtomicI64::new(0),
            turn: Mutex::new(()),
        }
    }

    /// A request for a copy; no other is to be made while it is there.
    pub(crate) fn ask(&self) -> Asked {
        self.is_busy.store(true, SeqCst);
        Asked(Arc::clone(&self.is_busy))
    }

    /// Pages of the WAL that the last copy has put into the database; `None` while there is one
    /// under way.
    pub(crate) fn copied(&self) -> Option<i64> {
        (!self.is_busy.load(SeqCst)).then(|| self.copied.load(SeqCst))
    }

    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that copies, until the queue is closed and empty.
pub(crate) fn copy_all(shared: &Shared) {
    while let Some(_asked) = shared.checkpoints.requests.pop() {
        if let Err(error) = copy(shared) {
            tracing::warn!(%error, "checkpoint failed; the WAL keeps everything");
        }
    }
}

/// Opens a connection for each copy, which would otherwise keep a page cache from one to the next.
fn copy(shared: &Shared) -> Result<(), Error> {
    let _turn = shared.checkpoints.turn();
    let copied = &shared.checkpoints.copied;
    let pages = || shared.counters.wal_pages.load(Relaxed).try_into().unwrap_or(i64::MAX);
    let copied_before = copied.swap(0, SeqCst);
    let has_started_over = copied_before > pages();
    let mut left = if has_started_over { pages() } else { pages() - copied_before };
    let link = shared.open_link(Role::Reader)?;
    for _ in 0..COPY_PASSES_MAX {
        count(&shared.counters.checkpoints);
        copied.store(link.checkpoint("PASSIVE")?.copied, SeqCst);
        thread::sleep(shared.options.sync_delay);
        let pages = pages();
        let before = mem::replace(&mut left, pages - copied.load(SeqCst));
        if !is_to_go_on(pages, before, left) {
            break;
        }
    }
    // SQLite counts as copied what it was told is written.
    if let Err(error) = link.sync() {
        tracing::error!(%error, "the database could not be synchronised: look at its disk, and \
            have a backup at hand");
    }
    thread::sleep(shared.options.sync_delay);
    Ok(())
}
