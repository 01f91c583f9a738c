use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::call::{Call, Session};
use crate::error::Error;
use crate::handle::Handle;
use crate::job::{Job, ReaderWork, Reply, WriterWork};
use crate::route::{Route, answer_in_transaction, route_statement};
use crate::shared::Shared;
use crate::tokens::first_word;
use crate::value::{Rows, Value};

/// A guest's connection: a name under which statements are sent, and what SQLite would remember
/// for them. Making one costs nothing; no file is opened for it.
///
/// Clones are the same connection. Statements may be sent concurrently; inside a transaction they
/// run in the order in which they were sent. When the last clone is dropped inside a transaction,
/// the transaction is rolled back.
#[derive(Clone)]
pub struct Connection {
    guest: Arc<Guest>,
}

struct Guest {
    database: Arc<Handle>,
    session: Mutex<Session>,
    /// The way to the writer's thread while it serves this guest's transaction alone.
    transaction: Mutex<Option<Sender<Job>>>,
}

/// Tells the thread that runs a statement when nobody waits for it any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// A job on its way, as its sender sees it.
struct Pending {
    reply: oneshot::Receiver<Reply>,
    _cancel: CancelOnDrop,
}

impl Connection {
    pub(crate) fn new(database: Arc<Handle>) -> Self {
        let guest = Guest { database, session: Mutex::default(), transaction: Mutex::default() };
        Self { guest: Arc::new(guest) }
    }

    /// Runs one statement and returns its whole result.
    ///
    /// A write is durable when this returns: its transaction is committed and synchronised to the
    /// disk, together with whatever other connections wrote meanwhile. A read sees every write
    /// that was answered before it was sent. A BEGIN or SAVEPOINT takes the database's only write
    /// turn until the transaction ends.
    ///
    /// Dropping the future cancels the statement if it reads or has not begun; a write that has
    /// begun may still be committed. Needs a tokio runtime with its time driver.
    ///
    /// # Errors
    /// See [`Error`]. After any error nothing of the statement is kept, except where the
    /// statement itself asks for that (`OR FAIL`).
    pub async fn execute(&self, sql: String, params: Vec<Value>) -> Result<Rows, Error> {
        let bytes = sql.len() + params.iter().map(Value::weight_bytes).sum::<usize>();
        self.check_size(bytes)?;
        if let Some(transaction) = self.open_transaction() {
            return self.execute_in_transaction(&transaction, sql, params, bytes).await;
        }
        let in_memory = self.shared().is_in_memory();
        match route_statement(&sql) {
            Route::Answer(rows) => Ok(rows),
            Route::Fail(error) => Err(error),
            Route::InTransaction => Ok(Rows::default()),
            Route::Begin => self.begin_transaction(sql, params, bytes).await,
            Route::Alone => self.send_write(WriterWork::Alone, sql, params, bytes).await,
            Route::Write => self.send_write(WriterWork::Write, sql, params, bytes).await,
            // A database in memory is one connection, and the writer has it.
            Route::Read | Route::ReadOrWrite if in_memory => {
                self.send_write(WriterWork::Write, sql, params, bytes).await
            }
            Route::ReadOrWrite if self.shared().is_known_write(&sql) => {
                self.send_write(WriterWork::Write, sql, params, bytes).await
            }
            Route::ReadOrWrite => self.send_read(ReaderWork::ReadOrWrite, sql, params, bytes).await,
            Route::Read => self.send_read(ReaderWork::Read, sql, params, bytes).await,
        }
    }

    /// The rowid of this connection's most recent successful INSERT; 0 if there was none.
    pub fn last_insert_rowid(&self) -> i64 {
        lock_mutex(&self.guest.session).last_insert_rowid
    }

    /// Rows changed by this connection's most recent INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> u64 {
        lock_mutex(&self.guest.session).changes
    }

    /// Whether this connection is inside a transaction, as far as it has heard.
    pub fn is_in_transaction(&self) -> bool {
        lock_mutex(&self.guest.transaction).is_some()
    }

    fn shared(&self) -> &Arc<Shared> {
        self.guest.database.shared()
    }

    fn open_transaction(&self) -> Option<Sender<Job>> {
        lock_mutex(&self.guest.transaction).clone()
    }

    fn check_size(&self, bytes: usize) -> Result<(), Error> {
        let bytes_max = self.shared().options.request_bytes_max;
        if bytes <= bytes_max {
            return Ok(());
        }
        let advice = "send less at a time, and large content in pieces";
        Err(Error::TooLarge { what: "the statement with its parameters", bytes_max, advice })
    }

    async fn send_read(
        &self,
        kind: fn(Job) -> ReaderWork,
        sql: String,
        params: Vec<Value>,
        bytes: usize,
    ) -> Result<Rows, Error> {
        let share = self.reserve_room(&self.shared().read_room, bytes).await?;
        let (job, pending) = self.new_job(sql, params, share, self.statement_time_max());
        self.shared().push_read(kind(job))?;
        self.await_reply(pending).await.unwrap_or(Err(Error::Closed))
    }

    async fn send_write(
        &self,
        kind: fn(Job) -> WriterWork,
        sql: String,
        params: Vec<Value>,
        bytes: usize,
    ) -> Result<Rows, Error> {
        let share = self.reserve_room(&self.shared().write_room, bytes).await?;
        let (job, pending) = self.new_job(sql, params, share, self.statement_time_max());
        self.shared().push_write(kind(job))?;
        self.await_reply(pending).await.unwrap_or(Err(Error::Closed))
    }

    async fn begin_transaction(
        &self,
        sql: String,
        params: Vec<Value>,
        bytes: usize,
    ) -> Result<Rows, Error> {
        let patience = self.shared().options.begin_wait_max;
        let (to_writer, statements) = channel();
        let turn = timeout(patience, self.take_turn(sql, params, bytes, statements)).await;
        let rows = turn.unwrap_or_else(|_| Err(other_transaction()))?;
        // Two BEGINs at once on one connection: the second has waited for the first's end, or its
        // time-out, so there is none to overwrite.
        *lock_mutex(&self.guest.transaction) = Some(to_writer);
        Ok(rows)
    }

    async fn take_turn(
        &self,
        sql: String,
        params: Vec<Value>,
        bytes: usize,
        statements: Receiver<Job>,
    ) -> Result<Rows, Error> {
        let share = self.reserve_room(&self.shared().write_room, bytes).await?;
        let patience = self.shared().options.begin_wait_max;
        let (job, pending) = self.new_job(sql, params, share, patience);
        self.shared().push_write(WriterWork::Begin(job, statements))?;
        self.await_reply(pending).await.unwrap_or(Err(Error::Closed))
    }

    async fn execute_in_transaction(
        &self,
        transaction: &Sender<Job>,
        sql: String,
        params: Vec<Value>,
        bytes: usize,
    ) -> Result<Rows, Error> {
        if let Some(answer) = answer_in_transaction(&sql) {
            return answer;
        }
        let ends_it = first_word(&sql) == "rollback";
        let share = self.reserve_room(&self.shared().read_room, bytes).await?;
        let (job, pending) = self.new_job(sql, params, share, self.statement_time_max());
        let settled = match transaction.send(job) {
            Ok(()) => self.await_reply(pending).await,
            Err(_) => None,
        };
        settled.unwrap_or_else(|| {
            *lock_mutex(&self.guest.transaction) = None;
            if ends_it { Ok(Rows::default()) } else { Err(self.lost_transaction()) }
        })
    }

    fn lost_transaction(&self) -> Error {
        let options = &self.shared().options;
        Error::TransactionLost(format!(
            "it had ended already, or was without a statement for {} s or open for {} s; begin \
             anew",
            options.transaction_idle_max.as_secs_f32(),
            options.transaction_time_max.as_secs_f32()
        ))
    }

    fn statement_time_max(&self) -> Duration {
        self.shared().options.statement_time_max
    }

    /// Waits until the queue has room: this is what holds callers back.
    async fn reserve_room(
        &self,
        room: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, Error> {
        let shares = self.shared().shares_for(bytes);
        if let Ok(share) = Arc::clone(room).try_acquire_many_owned(shares) {
            return Ok(share);
        }
        match timeout(self.statement_time_max(), Arc::clone(room).acquire_many_owned(shares)).await
        {
            Ok(share) => share.map_err(|_| Error::Closed),
            Err(_) => Err(Error::Busy("too many statements wait for this database".into())),
        }
    }

    fn new_job(
        &self,
        sql: String,
        params: Vec<Value>,
        share: OwnedSemaphorePermit,
        patience: Duration,
    ) -> (Job, Pending) {
        let cancelled = Arc::new(AtomicBool::new(false));
        let call = Call {
            sql,
            params,
            deadline: Instant::now() + patience,
            cancelled: Arc::clone(&cancelled),
            session: *lock_mutex(&self.guest.session),
        };
        let (reply, receiver) = oneshot::channel();
        let pending = Pending { reply: receiver, _cancel: CancelOnDrop(cancelled) };
        (Job { call, reply, since: Instant::now(), _share: share }, pending)
    }

    /// Waits for the answer; `None` if nobody is left to give one.
    async fn await_reply(&self, pending: Pending) -> Option<Result<Rows, Error>> {
        let Pending { reply, _cancel } = pending;
        let reply = reply.await.ok()?;
        *lock_mutex(&self.guest.session) = reply.session;
        if reply.is_over {
            *lock_mutex(&self.guest.transaction) = None;
        }
        Some(reply.result)
    }
}

fn other_transaction() -> Error {
    Error::Busy("another transaction holds the write turn".into())
}

fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
