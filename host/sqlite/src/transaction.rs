//! A guest's own transaction, which the writer serves alone until it ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use crate::error::Error;
use crate::guard::Scope;
use crate::job::Job;
use crate::link::{Link, Session};
use crate::stats::count;
use crate::tokens::first_word;
use crate::value::Rows;
use crate::writer::Writer;

impl Writer<'_> {
    /// Serves one guest until its transaction ends, by itself or by the host's patience.
    pub(crate) fn transaction(&mut self, begin: Job, statements: &Receiver<Job>) {
        let Some(begin) = begin.if_wanted(&self.shared.counters) else { return };
        let link = match self.link() {
            Ok(link) => link,
            Err(error) => return begin.fail(error),
        };
        let (result, session) = self.begin(&link, &begin);
        let has_begun = !link.is_autocommit();
        self.answer(begin, result, session, !has_begun);
        if !has_begun {
            return;
        }
        count(&self.shared.counters.transactions);
        if let Err(reason) = self.serve(&link, statements) {
            tracing::warn!(reason, "rolled back a guest's transaction");
            count(&self.shared.counters.transactions_lost);
            self.rollback(&link);
        }
    }

    fn begin(&self, link: &Link, begin: &Job) -> (Result<Rows, Error>, Session) {
        if first_word(&begin.call.sql) == "savepoint" {
            return link.run(&begin.call, Scope::Transaction);
        }
        // Every kind of BEGIN means the same here: the guest holds the write turn from now on.
        (link.command("BEGIN IMMEDIATE").map(|()| Rows::default()), begin.call.session)
    }

    fn serve(&self, link: &Link, statements: &Receiver<Job>) -> Result<(), &'static str> {
        let options = &self.shared.options;
        let end = Instant::now() + options.transaction_time_max;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let job = match statements.recv_timeout(left.min(options.transaction_idle_max)) {
                Ok(job) => job,
                Err(RecvTimeoutError::Disconnected) => return Err("its guest is gone"),
                Err(RecvTimeoutError::Timeout) => return Err("it was idle or open for too long"),
            };
            if self.run_in_transaction(link, job, end) {
                return Ok(());
            }
        }
    }

    /// Returns whether the transaction is over.
    fn run_in_transaction(&self, link: &Link, job: Job, end: Instant) -> bool {
        let Some(mut job) = job.if_wanted(&self.shared.counters) else { return false };
        job.call.deadline = job.call.deadline.min(end);
        let start = Instant::now();
        let (result, session) = self.run(link, &job, Scope::Transaction);
        // Not the statement was too long but the transaction: without an answer, its guest hears
        // that.
        if matches!(result, Err(Error::Timeout { .. })) && Instant::now() >= end {
            return false;
        }
        let is_over = link.is_autocommit();
        if is_over && result.is_ok() {
            self.after_sync(start);
        }
        self.answer(job, result, session, is_over);
        is_over
    }
}
