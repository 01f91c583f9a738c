//! What a database's handles and threads have in common.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::Semaphore;

use crate::checkpoint::{Checkpoints, copy_all};
use crate::error::Error;
use crate::job::Work;
use crate::link::{Link, Place, Role};
use crate::options::{CACHED_SQL_BYTES_MAX, Options};
use crate::queue::{Pushed, Queue};
use crate::reader::{Look, read_all};
use crate::stats::Counters;
use crate::writer::write_all;

/// Texts of statements known to write although they may look like a read.
const KNOWN_WRITES_MAX: usize = 256;
/// Queues are measured in units of so many bytes.
const SHARE_BYTES: usize = 1 << 10;
/// What the smallest statement counts in a queue, in units: this bounds the number of statements.
const SHARES_MIN: usize = 64;

pub(crate) struct Shared {
    pub(crate) place: Place,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) reads: Queue<Look>,
    pub(crate) writes: Queue<Work>,
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
}

impl Shared {
    pub(crate) fn new(place: Place, options: Options) -> Self {
        let shares = (options.queue_bytes_max / SHARE_BYTES).max(SHARES_MIN);
        Self {
            place,
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
        }
    }

    /// How many units of a queue's room a statement of so many bytes takes. The largest statement
    /// takes all of it.
    pub(crate) fn shares(&self, bytes: usize) -> u32 {
        let all = (self.options.queue_bytes_max / SHARE_BYTES).max(SHARES_MIN);
        let shares = bytes.div_ceil(SHARE_BYTES).max(SHARES_MIN).min(all);
        u32::try_from(shares).unwrap_or(u32::MAX)
    }

    pub(crate) fn open_link(&self, role: Role) -> Result<Link, Error> {
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        Link::open(&self.place, role, &self.options).map_err(|error| match error {
            Error::Sqlite { message, .. } => Error::Open { path: self.path(), reason: message },
            other => other,
        })
    }

    fn path(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Memory => ":memory:".into(),
        }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.place, Place::Memory)
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
    pub(crate) fn push_read(self: &Arc<Self>, look: Look) -> Result<(), Error> {
        if self.reads.push(look).map_err(|_| Error::Closed)? == Pushed::StartThread {
            let shared = Arc::clone(self);
            self.start("sqlite-read", &self.reads, move || {
                let _leaving = Leaving(&shared.reads);
                read_all(&shared);
            });
        }
        Ok(())
    }

    /// Queues work for the writer, unless the database is closed.
    pub(crate) fn push_write(self: &Arc<Self>, work: Work) -> Result<(), Error> {
        if self.writes.push(work).map_err(|_| Error::Closed)? == Pushed::StartThread {
            let shared = Arc::clone(self);
            self.start("sqlite-write", &self.writes, move || {
                let _leaving = Leaving(&shared.writes);
                write_all(&shared);
            });
        }
        Ok(())
    }

    /// Asks for a copy of the WAL into the database; a closed database makes its last one itself.
    pub(crate) fn push_checkpoint(self: &Arc<Self>) {
        let asked = self.checkpoints.ask();
        if self.checkpoints.requests.push(asked).is_ok_and(|pushed| pushed == Pushed::StartThread) {
            let shared = Arc::clone(self);
            self.start("sqlite-copy", &self.checkpoints.requests, move || {
                let _leaving = Leaving(&shared.checkpoints.requests);
                copy_all(&shared);
            });
        }
    }

    fn start<J>(&self, name: &str, queue: &Queue<J>, run: impl FnOnce() + Send + 'static) {
        match thread::Builder::new().name(name.into()).spawn(run) {
            Ok(handle) => {
                self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
            }
            Err(error) => {
                tracing::error!(%error, name, "cannot start a thread");
                queue.leave();
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
        self.0.leave();
    }
}
