//! A guest's own transaction, which the writer serves alone until it ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use crate::call::Session;
use crate::error::Error;
use crate::guard::Scope;
use crate::guarded_connection::GuardedConnection;
use crate::job::Job;
use crate::stats::count_one;
use crate::tokens::first_word;
use crate::value::Rows;
use crate::writer::Writer;

impl Writer<'_> {
    /// Serves one guest until its transaction ends, by itself or by the host's patience.
    pub(crate) fn serve_transaction(&mut self, begin: Job, statements: &Receiver<Job>) {
        let Some(begin) = begin.if_wanted(&self.shared.counters) else { return };
        let connection = match self.open_connection() {
            Ok(connection) => connection,
            Err(error) => return begin.reply_error(error),
        };
        let (result, session) = self.begin_transaction(&connection, &begin);
        let has_begun = !connection.is_autocommit();
        self.send_answer(begin, result, session, !has_begun);
        if !has_begun {
            return;
        }
        count_one(&self.shared.counters.transactions);
        if let Err(reason) = self.serve_statements(&connection, statements) {
            tracing::warn!(reason, "rolled back a guest's transaction");
            count_one(&self.shared.counters.transactions_lost);
            self.roll_back(&connection);
        }
    }

    fn begin_transaction(
        &self,
        connection: &GuardedConnection,
        begin: &Job,
    ) -> (Result<Rows, Error>, Session) {
        if first_word(&begin.call.sql) == "savepoint" {
            return connection.run_statement(&begin.call, Scope::Transaction);
        }
        // Every kind of BEGIN means the same here: the guest holds the write turn from now on.
        (connection.run_command("BEGIN IMMEDIATE").map(|()| Rows::default()), begin.call.session)
    }

    fn serve_statements(
        &self,
        connection: &GuardedConnection,
        statements: &Receiver<Job>,
    ) -> Result<(), &'static str> {
        let options = &self.shared.options;
        let end = Instant::now() + options.transaction_time_max;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let job = match statements.recv_timeout(left.min(options.transaction_idle_max)) {
                Ok(job) => job,
                Err(RecvTimeoutError::Disconnected) => return Err("its guest is gone"),
                Err(RecvTimeoutError::Timeout) => return Err("it was idle or open for too long"),
            };
            if self.run_in_transaction(connection, job, end) {
                return Ok(());
            }
        }
    }

    /// Returns whether the transaction is over.
    fn run_in_transaction(&self, connection: &GuardedConnection, job: Job, end: Instant) -> bool {
        let Some(mut job) = job.if_wanted(&self.shared.counters) else { return false };
        job.call.deadline = job.call.deadline.min(end);
        let start = Instant::now();
        let (result, session) = self.run_counted(connection, &job, Scope::Transaction);
        // Not the statement was too long but the transaction: without an answer, its guest hears
        // that.
        if matches!(result, Err(Error::Timeout { .. })) && Instant::now() >= end {
            return false;
        }
        let is_over = connection.is_autocommit();
        if is_over && result.is_ok() {
            self.after_sync(start);
        }
        self.send_answer(job, result, session, is_over);
        is_over
    }
}
