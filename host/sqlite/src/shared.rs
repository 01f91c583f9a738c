//! What a database's handles and threads have in common.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::Semaphore;

use crate::checkpoint::Checkpoints;
use crate::error::Error;
use crate::guarded_connection::{GuardedConnection, Role, Storage};
use crate::job::{ReaderWork, WriterWork};
use crate::options::{CACHED_SQL_BYTES_MAX, Options};
use crate::queue::{Pushed, Queue};
use crate::stats::Counters;

/// Texts of statements known to write although they may look like a read.
const KNOWN_WRITES_MAX: usize = 256;
/// Queues are measured in units of so many bytes.
const SHARE_BYTES: usize = 1 << 10;
/// What the smallest statement counts in a queue, in units: this bounds the number of statements.
const SHARES_MIN: usize = 64;

/// What each kind of thread does until its queue is closed and empty. Given to [`Shared`] rather
/// than known to it: threads know what they share, and not the other way about.
#[derive(Clone, Copy)]
pub(crate) struct Workers {
    pub(crate) read: fn(&Arc<Shared>),
    pub(crate) write: fn(&Arc<Shared>),
    /// Copies the WAL into the database.
    pub(crate) copy: fn(&Arc<Shared>),
}

pub(crate) struct Shared {
    pub(crate) storage: Storage,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) reads: Queue<ReaderWork>,
    pub(crate) writes: Queue<WriterWork>,
    pub(crate) checkpoints: Checkpoints,
    /// The room that is left in each queue. Statements inside a transaction count as reads, for
    /// they must get on while the writes wait for the transaction's end.
    pub(crate) read_room: Arc<Semaphore>,
    pub(crate) write_room: Arc<Semaphore>,
    known_writes: Mutex<HashSet<String>>,
    /// Held while a connection is opened: two that make the same new file a WAL database at the
    /// same time get in each other's way.
    opening: Mutex<()>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    workers: Workers,
}

impl Shared {
    pub(crate) fn new(storage: Storage, options: Options, workers: Workers) -> Self {
        let shares = (options.queue_bytes_max / SHARE_BYTES).max(SHARES_MIN);
        Self {
            storage,
            counters: Counters::default(),
            reads: Queue::new(options.readers.max(1)),
            writes: Queue::new(1),
            checkpoints: Checkpoints::new(),
            read_room: Arc::new(Semaphore::new(shares)),
            write_room: Arc::new(Semaphore::new(shares)),
            options,
            known_writes: Mutex::default(),
            opening: Mutex::new(()),
            threads: Mutex::default(),
            workers,
        }
    }

    /// How many units of a queue's room a statement of so many bytes takes. The largest statement
    /// takes all of it.
    pub(crate) fn shares_for(&self, bytes: usize) -> u32 {
        let all = (self.options.queue_bytes_max / SHARE_BYTES).max(SHARES_MIN);
        let shares = bytes.div_ceil(SHARE_BYTES).max(SHARES_MIN).min(all);
        u32::try_from(shares).unwrap_or(u32::MAX)
    }

    pub(crate) fn open_connection(&self, role: Role) -> Result<GuardedConnection, Error> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        GuardedConnection::open(&self.storage, role, &self.options).map_err(|error| match error {
            Error::Sqlite { message, .. } => {
                Error::Open { path: self.display_path(), reason: message }
            }
            other => other,
        })
    }

    fn display_path(&self) -> String {
        match &self.storage {
            Storage::File(path) => path.display().to_string(),
            Storage::Memory => ":memory:".into(),
        }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.storage, Storage::Memory)
    }

    /// Remembers that this text writes, so that next time it goes straight to the writer.
    pub(crate) fn remember_write(&self, sql: &str) {
        if sql.len() > CACHED_SQL_BYTES_MAX {
            return;
        }
        let mut known = self.known_writes.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_WRITES_MAX {
            known.clear();
        }
        known.insert(sql.to_owned());
    }

    pub(crate) fn is_known_write(&self, sql: &str) -> bool {
        self.known_writes.lock().unwrap_or_else(PoisonError::into_inner).contains(sql)
    }

    /// Queues a statement that reads, unless the database is closed.
    pub(crate) fn push_read(self: &Arc<Self>, work: ReaderWork) -> Result<(), Error> {
        if self.reads.push(work).map_err(|_| Error::Closed)? == Pushed::StartThread {
            let shared = Arc::clone(self);
            self.start_thread("sqlite-read", &self.reads, move || {
                let _leaving = Leaving(&shared.reads);
                (shared.workers.read)(&shared);
            });
        }
        Ok(())
    }

    /// Queues work for the writer, unless the database is closed.
    pub(crate) fn push_write(self: &Arc<Self>, work: WriterWork) -> Result<(), Error> {
        if self.writes.push(work).map_err(|_| Error::Closed)? == Pushed::StartThread {
            let shared = Arc::clone(self);
            self.start_thread("sqlite-write", &self.writes, move || {
                let _leaving = Leaving(&shared.writes);
                (shared.workers.write)(&shared);
            });
        }
        Ok(())
    }

    /// Asks for a copy of the WAL into the database; a closed database makes its last one itself.
    pub(crate) fn push_checkpoint(self: &Arc<Self>) {
        let asked = self.checkpoints.begin_request();
        if self.checkpoints.requests.push(asked).is_ok_and(|pushed| pushed == Pushed::StartThread) {
            let shared = Arc::clone(self);
            self.start_thread("sqlite-copy", &self.checkpoints.requests, move || {
                let _leaving = Leaving(&shared.checkpoints.requests);
                (shared.workers.copy)(&shared);
            });
        }
    }

    fn start_thread<J>(&self, name: &str, queue: &Queue<J>, run: impl FnOnce() + Send + 'static) {
        match thread::Builder::new().name(name.into()).spawn(run) {
            Ok(handle) => {
                self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
            }
            Err(error) => {
                tracing::error!(%error, name, "cannot start a thread");
                queue.leave_queue();
            }
        }
    }

    /// Takes nothing more in; what waits is still done, by threads that then end.
    pub(crate) fn close(&self) {
        self.reads.close();
        self.writes.close();
        self.checkpoints.requests.close();
    }

    /// The threads there are, for waiting until they have ended.
    pub(crate) fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the queue that its thread is gone, even if by a panic.
struct Leaving<'a, J>(&'a Queue<J>);

impl<J> Drop for Leaving<'_, J> {
    fn drop(&mut self) {
        self.0.leave_queue();
    }
}
