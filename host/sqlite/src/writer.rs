//! The thread that writes: one transaction, and one fsync, for all statements that wait.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::call::Session;
use crate::error::Error;
use crate::guard::Scope;
use crate::guarded_connection::{GuardedConnection, Role, wal_pages};
use crate::job::{Job, WriterWork};
use crate::options::{BATCH_STATEMENTS_MAX, BATCH_TIME_MAX};
use crate::pacing::CommitPacing;
use crate::shared::Shared;
use crate::stats::{add_since, count_one};
use crate::value::Rows;
use crate::wal::{WalStep, WalWatch};

type Done = Vec<(Job, Result<Rows, Error>, Session)>;

/// The writer's thread, until the queue is closed and empty.
pub(crate) fn run_writer(shared: &Arc<Shared>) {
    let mut writer = Writer {
        shared,
        connection: None,
        wal: WalWatch::default(),
        pacing: CommitPacing::default(),
    };
    while let Some(work) = shared.writes.pop() {
        match work {
            WriterWork::Write(job) => writer.run_batch(job),
            WriterWork::Alone(job) => writer.run_alone(job),
            WriterWork::Begin(job, statements) => writer.serve_transaction(job, &statements),
        }
        writer.checkpoint_if_due();
    }
    writer.finish_writing();
}

/// The writer's thread's own.
pub(crate) struct Writer<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    /// Opened at the first statement, and again after it has failed badly.
    connection: Option<Rc<GuardedConnection>>,
    wal: WalWatch,
    pacing: CommitPacing,
}

impl Writer<'_> {
    pub(crate) fn open_connection(&mut self) -> Result<Rc<GuardedConnection>, Error> {
        if let Some(connection) = &self.connection {
            return Ok(Rc::clone(connection));
        }
        let connection = Rc::new(self.shared.open_connection(Role::Writer)?);
        self.connection = Some(Rc::clone(&connection));
        Ok(connection)
    }

    /// Runs a statement and whatever else waits, commits once, and answers.
    fn run_batch(&mut self, first: Job) {
        let begun = self
            .open_connection()
            .and_then(|connection| connection.run_command("BEGIN IMMEDIATE").map(|()| connection));
        let connection = match begun {
            Ok(connection) => connection,
            Err(error) => return self.fail_waiting(first, &error),
        };
        let mut done: Done = Vec::new();
        let started = Instant::now();
        let mut next = Some(first);
        while let Some(job) = next {
            if let Some(job) = job.if_wanted(&self.shared.counters) {
                let (result, session) = self.run_counted(&connection, &job, Scope::Shared);
                done.push((job, result, session));
            }
            // A statement took the whole transaction with it (OR ROLLBACK, a full disk, its
            // deadline), or would fail in its own COMMIT, where a later one must not mend it.
            if connection.is_autocommit() || connection.has_deferred_violations() {
                return self.repeat_singly(&connection, done);
            }
            let has_room = done.len() < BATCH_STATEMENTS_MAX && started.elapsed() < BATCH_TIME_MAX;
            let until = self.pacing.keep_open(started, done.len());
            next = if has_room { self.next_write(until) } else { None };
        }
        self.commit_batch(&connection, done);
    }

    fn next_write(&self, until: Instant) -> Option<Job> {
        match self.shared.writes.pop_if(until, |work| matches!(work, WriterWork::Write(_))) {
            Some(WriterWork::Write(job)) => Some(job),
            _ => None,
        }
    }

    fn commit_batch(&mut self, connection: &GuardedConnection, done: Done) {
        let started = Instant::now();
        match self.commit_transaction(connection) {
            Ok(()) => {
                let expected = done.len() + self.shared.writes.len();
                self.pacing = CommitPacing { expected, commit_time: started.elapsed() };
                let statements = u64::try_from(done.len()).unwrap_or(u64::MAX);
                self.shared.counters.batch_statements_max.fetch_max(statements, Relaxed);
                for (job, result, session) in done {
                    self.send_answer(job, result, session, false);
                }
            }
            Err(error) => {
                self.roll_back(connection);
                for (job, _, _) in done {
                    let session = job.call.session;
                    self.send_answer(job, Err(error.clone()), session, false);
                }
            }
        }
    }

    /// Undoes the shared transaction, of whose statements nobody has heard yet, and gives each of
    /// them one of its own.
    fn repeat_singly(&mut self, connection: &GuardedConnection, done: Done) {
        self.roll_back(connection);
        count_one(&self.shared.counters.batches_repeated);
        for (job, result, session) in done {
            // What was stopped for its time would only be stopped again.
            if matches!(result, Err(Error::Timeout { .. } | Error::Cancelled)) {
                self.send_answer(job, result, session, false);
                continue;
            }
            let (result, session) = self.run_single(connection, &job);
            self.send_answer(job, result, session, false);
        }
    }

    fn run_single(
        &mut self,
        connection: &GuardedConnection,
        job: &Job,
    ) -> (Result<Rows, Error>, Session) {
        if let Err(error) = connection.run_command("BEGIN IMMEDIATE") {
            return (Err(error), job.call.session);
        }
        let (result, session) = connection.run_statement(&job.call, Scope::Shared);
        if connection.is_autocommit() {
            return (result, session);
        }
        match self.commit_transaction(connection) {
            Ok(()) => (result, session),
            Err(error) => {
                self.roll_back(connection);
                // As SQLite has it: what was inserted is gone, its rowid is still the last one.
                (Err(error), Session { changes: 0, ..session })
            }
        }
    }

    /// Runs what cannot be in a transaction, such as VACUUM.
    fn run_alone(&mut self, job: Job) {
        let Some(job) = job.if_wanted(&self.shared.counters) else { return };
        match self.open_connection() {
            Ok(connection) => {
                let (result, session) = self.run_counted(&connection, &job, Scope::Alone);
                self.send_answer(job, result, session, false);
            }
            Err(error) => job.reply_error(error),
        }
    }

    pub(crate) fn run_counted(
        &self,
        connection: &GuardedConnection,
        job: &Job,
        scope: Scope,
    ) -> (Result<Rows, Error>, Session) {
        count_one(&self.shared.counters.writes);
        connection.run_statement(&job.call, scope)
    }

    pub(crate) fn send_answer(
        &self,
        job: Job,
        result: Result<Rows, Error>,
        session: Session,
        is_over: bool,
    ) {
        self.shared.counters.count_outcome(&result);
        job.send_reply(result, session, is_over);
    }

    fn commit_transaction(&self, connection: &GuardedConnection) -> Result<(), Error> {
        let start = Instant::now();
        connection.run_command("COMMIT")?;
        self.after_sync(start);
        Ok(())
    }

    /// A commit that began then is done.
    pub(crate) fn after_sync(&self, start: Instant) {
        count_one(&self.shared.counters.commits);
        self.shared.counters.wal_pages.store(wal_pages().unsigned_abs(), Relaxed);
        let delay = self.shared.options.sync_delay;
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        add_since(&self.shared.counters.commit_us, start);
    }

    /// Ends a failed transaction, or the connection if that does not work either.
    pub(crate) fn roll_back(&mut self, connection: &GuardedConnection) {
        if !connection.is_autocommit() && connection.run_command("ROLLBACK").is_err() {
            self.connection = None;
        }
    }

    /// The file could not be written to at all: no use in letting each of those who wait find out
    /// by itself, one lock time-out after the other.
    fn fail_waiting(&self, first: Job, error: &Error) {
        let mut next = Some(first);
        for _ in 0..BATCH_STATEMENTS_MAX {
            let Some(job) = next else { return };
            let session = job.call.session;
            self.send_answer(job, Err(error.clone()), session, false);
            next = self.next_write(Instant::now());
        }
        if let Some(job) = next {
            job.reply_error(error.clone());
        }
    }

    /// Has the WAL copied into the database now and then, and start over. By itself it does that
    /// only if nothing is written meanwhile.
    fn checkpoint_if_due(&mut self) {
        let Some(connection) = &self.connection else { return };
        match self.wal.after_commit(wal_pages(), self.shared.checkpoints.copied_pages()) {
            WalStep::Leave => {}
            WalStep::Copy => self.shared.push_checkpoint(),
            WalStep::StartOver { wait } => self.restart_wal(connection, wait),
        }
    }

    /// Readers that overlap without a gap would let the WAL grow for ever, so new ones are held
    /// back until those that run have left it. A long one may be in the way: then later.
    fn restart_wal(&self, connection: &GuardedConnection, wait: Duration) {
        let _turn = self.shared.checkpoints.take_turn();
        count_one(&self.shared.counters.checkpoints);
        let paused = self.shared.reads.pause();
        let result = connection.restart_wal(wait);
        drop(paused);
        thread::sleep(self.shared.options.sync_delay);
        if !result.as_ref().is_ok_and(|checkpoint| checkpoint.is_all()) {
            tracing::debug!(?result, "the WAL could not start over");
        }
    }

    fn finish_writing(self) {
        let Some(connection) = &self.connection else { return };
        let _turn = self.shared.checkpoints.take_turn();
        if let Err(error) = connection.run_checkpoint("TRUNCATE") {
            tracing::debug!(%error, "no checkpoint at close; the WAL keeps everything");
        }
    }
}
