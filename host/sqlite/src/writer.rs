//! The thread that writes: one transaction, and one fsync, for all statements that wait.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::guard::Scope;
use crate::job::{Job, Work};
use crate::link::{Link, Role, Session, wal_pages};
use crate::options::{BATCH_STATEMENTS_MAX, BATCH_TIME_MAX, COMMIT_TIME_SLOW, PAUSE_SHARE};
use crate::shared::Shared;
use crate::stats::{add_since, count};
use crate::value::Rows;
use crate::wal::{Step, WalWatch};

type Done = Vec<(Job, Result<Rows, Error>, Session)>;

/// The writer's thread, until the queue is closed and empty.
pub(crate) fn write_all(shared: &Arc<Shared>) {
    let mut writer =
        Writer { shared, link: None, wal: WalWatch::default(), rhythm: Rhythm::default() };
    while let Some(work) = shared.writes.pop() {
        match work {
            Work::Write(job) => writer.batch(job),
            Work::Alone(job) => writer.alone(job),
            Work::Begin(job, statements) => writer.transaction(job, &statements),
        }
        writer.checkpoint_if_due();
    }
    writer.finish();
}

/// The writer's thread's own.
pub(crate) struct Writer<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    /// Opened at the first statement, and again after it has failed badly.
    link: Option<Rc<Link>>,
    wal: WalWatch,
    rhythm: Rhythm,
}

/// How the last commit went, to judge whether it pays to wait for more before the next.
///
/// Those who were just answered often send again at once. Without a pause the first of them would
/// start a commit of its own, the others would wait for it, and two half-filled groups would take
/// turns. A pause of a small part of a commit's time brings them together; on a disk that
/// synchronises at once there is none.
#[derive(Default)]
struct Rhythm {
    /// Statements that were answered or waiting when the last commit was done.
    expected: usize,
    /// How long the last commit took.
    commit_time: Duration,
}

impl Rhythm {
    /// Until when a group of so many, begun then, is to be kept open.
    fn keep_open(&self, started: Instant, statements: usize) -> Instant {
        let is_worth_it = self.commit_time >= COMMIT_TIME_SLOW && statements < self.expected;
        if is_worth_it { started + self.commit_time / PAUSE_SHARE } else { started }
    }
}

impl Writer<'_> {
    pub(crate) fn link(&mut self) -> Result<Rc<Link>, Error> {
        if let Some(link) = &self.link {
            return Ok(Rc::clone(link));
        }
        let link = Rc::new(self.shared.open_link(Role::Writer)?);
        self.link = Some(Rc::clone(&link));
        Ok(link)
    }

    /// Runs a statement and whatever else waits, commits once, and answers.
    fn batch(&mut self, first: Job) {
        let begun = self.link().and_then(|link| link.command("BEGIN IMMEDIATE").map(|()| link));
        let link = match begun {
            Ok(link) => link,
            Err(error) => return self.fail_waiting(first, &error),
        };
        let mut done: Done = Vec::new();
        let started = Instant::now();
        let mut next = Some(first);
        while let Some(job) = next {
            if let Some(job) = job.if_wanted(&self.shared.counters) {
                let (result, session) = self.run(&link, &job, Scope::Shared);
                done.push((job, result, session));
            }
            // A statement took the whole transaction with it (OR ROLLBACK, a full disk, its
            // deadline), or would fail in its own COMMIT, where a later one must not mend it.
            if link.is_autocommit() || link.has_deferred_violations() {
                return self.repeat_singly(&link, done);
            }
            let has_room = done.len() < BATCH_STATEMENTS_MAX && started.elapsed() < BATCH_TIME_MAX;
            let until = self.rhythm.keep_open(started, done.len());
            next = if has_room { self.next_write(until) } else { None };
        }
        self.commit_batch(&link, done);
    }

    fn next_write(&self, until: Instant) -> Option<Job> {
        match self.shared.writes.pop_if(until, |work| matches!(work, Work::Write(_))) {
            Some(Work::Write(job)) => Some(job),
            _ => None,
        }
    }

    fn commit_batch(&mut self, link: &Link, done: Done) {
        let started = Instant::now();
        match self.commit(link) {
            Ok(()) => {
                let expected = done.len() + self.shared.writes.len();
                self.rhythm = Rhythm { expected, commit_time: started.elapsed() };
                let statements = u64::try_from(done.len()).unwrap_or(u64::MAX);
                self.shared.counters.batch_statements_max.fetch_max(statements, Relaxed);
                for (job, result, session) in done {
                    self.answer(job, result, session, false);
                }
            }
            Err(error) => {
                self.rollback(link);
                for (job, _, _) in done {
                    let session = job.call.session;
                    self.answer(job, Err(error.clone()), session, false);
                }
            }
        }
    }

    /// Undoes the shared transaction, of whose statements nobody has heard yet, and gives each of
    /// them one of its own.
    fn repeat_singly(&mut self, link: &Link, done: Done) {
        self.rollback(link);
        count(&self.shared.counters.batches_repeated);
        for (job, result, session) in done {
            // What was stopped for its time would only be stopped again.
            if matches!(result, Err(Error::Timeout { .. } | Error::Cancelled)) {
                self.answer(job, result, session, false);
                continue;
            }
            let (result, session) = self.single(link, &job);
            self.answer(job, result, session, false);
        }
    }

    fn single(&mut self, link: &Link, job: &Job) -> (Result<Rows, Error>, Session) {
        if let Err(error) = link.command("BEGIN IMMEDIATE") {
            return (Err(error), job.call.session);
        }
        let (result, session) = link.run(&job.call, Scope::Shared);
        if link.is_autocommit() {
            return (result, session);
        }
        match self.commit(link) {
            Ok(()) => (result, session),
            Err(error) => {
                self.rollback(link);
                // As SQLite has it: what was inserted is gone, its rowid is still the last one.
                (Err(error), Session { changes: 0, ..session })
            }
        }
    }

    /// Runs what cannot be in a transaction, such as VACUUM.
    fn alone(&mut self, job: Job) {
        let Some(job) = job.if_wanted(&self.shared.counters) else { return };
        match self.link() {
            Ok(link) => {
                let (result, session) = self.run(&link, &job, Scope::Alone);
                self.answer(job, result, session, false);
            }
            Err(error) => job.fail(error),
        }
    }

    pub(crate) fn run(
        &self,
        link: &Link,
        job: &Job,
        scope: Scope,
    ) -> (Result<Rows, Error>, Session) {
        count(&self.shared.counters.writes);
        link.run(&job.call, scope)
    }

    pub(crate) fn answer(
        &self,
        job: Job,
        result: Result<Rows, Error>,
        session: Session,
        is_over: bool,
    ) {
        self.shared.counters.ended(&result);
        job.answer(result, session, is_over);
    }

    fn commit(&self, link: &Link) -> Result<(), Error> {
        let start = Instant::now();
        link.command("COMMIT")?;
        self.after_sync(start);
        Ok(())
    }

    /// A commit that began then is done.
    pub(crate) fn after_sync(&self, start: Instant) {
        count(&self.shared.counters.commits);
        self.shared.counters.wal_pages.store(wal_pages().unsigned_abs(), Relaxed);
        let delay = self.shared.options.sync_delay;
        if !delay.is_zero() {
            thread::sleep(delay);
        }
        add_since(&self.shared.counters.commit_us, start);
    }

    /// Ends a failed transaction, or the connection if that does not work either.
    pub(crate) fn rollback(&mut self, link: &Link) {
        if !link.is_autocommit() && link.command("ROLLBACK").is_err() {
            self.link = None;
        }
    }

    /// The file could not be written to at all: no use in letting each of those who wait find out
    /// by itself, one lock time-out after the other.
    fn fail_waiting(&self, first: Job, error: &Error) {
        let mut next = Some(first);
        for _ in 0..BATCH_STATEMENTS_MAX {
            let Some(job) = next else { return };
            let session = job.call.session;
            self.answer(job, Err(error.clone()), session, false);
            next = self.next_write(Instant::now());
        }
        if let Some(job) = next {
            job.fail(error.clone());
        }
    }

    /// Has the WAL copied into the database now and then, and start over. By itself it does that
    /// only if nothing is written meanwhile.
    fn checkpoint_if_due(&mut self) {
        let Some(link) = &self.link else { return };
        match self.wal.after(wal_pages(), self.shared.checkpoints.copied()) {
            Step::Leave => {}
            Step::Copy => self.shared.push_checkpoint(),
            Step::StartOver { wait } => self.restart_wal(link, wait),
        }
    }

    /// Readers that overlap without a gap would let the WAL grow for ever, so new ones are held
    /// back until those that run have left it. A long one may be in the way: then later.
    fn restart_wal(&self, link: &Link, wait: Duration) {
        let _turn = self.shared.checkpoints.turn();
        count(&self.shared.counters.checkpoints);
        let paused = self.shared.reads.pause();
        let result = link.restart_wal(wait);
        drop(paused);
        thread::sleep(self.shared.options.sync_delay);
        if !result.as_ref().is_ok_and(|checkpoint| checkpoint.is_all()) {
            tracing::debug!(?result, "the WAL could not start over");
        }
    }

    fn finish(self) {
        let Some(link) = &self.link else { return };
        let _turn = self.shared.checkpoints.turn();
        if let Err(error) = link.checkpoint("TRUNCATE") {
            tracing::debug!(%error, "no checkpoint at close; the WAL keeps everything");
        }
    }
}
