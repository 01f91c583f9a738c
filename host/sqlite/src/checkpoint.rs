//! What the writer and the thread that copies the WAL into the database know of each other.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::queue::Queue;

/// What the writer and the thread that copies have in common.
pub(crate) struct Checkpoints {
    pub(crate) requests: Queue<CheckpointRequest>,
    /// A copy is asked for or under way.
    is_busy: Arc<AtomicBool>,
    /// Pages of the WAL that the last copy has put into the database.
    pub(crate) copied: AtomicI64,
    /// Held by whoever copies: SQLite fails a second checkpoint rather than let it wait.
    turn: Mutex<()>,
}

/// A copy that is asked for or under way, until this is dropped, by whomever.
pub(crate) struct CheckpointRequest(Arc<AtomicBool>);

impl Drop for CheckpointRequest {
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
    pub(crate) fn begin_request(&self) -> CheckpointRequest {
        self.is_busy.store(true, SeqCst);
        CheckpointRequest(Arc::clone(&self.is_busy))
    }

    /// Pages of the WAL that the last copy has put into the database; `None` while there is one
    /// under way.
    pub(crate) fn copied_pages(&self) -> Option<i64> {
        (!self.is_busy.load(SeqCst)).then(|| self.copied.load(SeqCst))
    }

    pub(crate) fn take_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
