//! Copying the WAL into the database, while the writer goes on.
//!
//! A checkpoint writes and synchronises megabytes: on the writer's thread everybody would wait for it.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::error::Error;
use crate::link::Role;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::stats::count;

/// What the writer and the thread that copies have in common.
pub(crate) struct Checkpoints {
    pub(crate) requests: Queue<()>,
    /// A copy is asked for or under way.
    is_busy: AtomicBool,
    /// Held by whoever copies: SQLite fails a second checkpoint rather than let it wait.
    turn: Mutex<()>,
}

impl Checkpoints {
    pub(crate) fn new() -> Self {
        Self { requests: Queue::new(1), is_busy: AtomicBool::new(false), turn: Mutex::new(()) }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy.load(SeqCst)
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
    shared.open_link(Role::Reader)?.checkpoint("PASSIVE")?;
    thread::sleep(shared.options.sync_delay);
    Ok(())
}
