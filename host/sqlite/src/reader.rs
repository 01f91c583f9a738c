//! The threads that read, each with a connection of its own.

use std::sync::Arc;

use crate::guard::Scope;
use crate::guarded_connection::{GuardedConnection, Role};
use crate::job::{Job, ReaderWork, WriterWork};
use crate::shared::Shared;
use crate::stats::count_one;

/// A reader's thread, until the queue is closed and empty.
pub(crate) fn run_reader(shared: &Arc<Shared>) {
    let mut connection = None;
    while let Some(work) = shared.reads.pop() {
        match connection.take().map_or_else(|| shared.open_connection(Role::Reader), Ok) {
            Ok(opened) => serve_work(shared, connection.insert(opened), work),
            Err(error) => {
                let (ReaderWork::Read(job) | ReaderWork::ReadOrWrite(job)) = work;
                job.reply_error(error);
            }
        }
    }
}

fn serve_work(shared: &Arc<Shared>, connection: &GuardedConnection, work: ReaderWork) {
    match work {
        ReaderWork::Read(job) => run_read(shared, connection, job),
        ReaderWork::ReadOrWrite(job) => match connection.is_read(&job.call) {
            Ok(true) => run_read(shared, connection, job),
            Ok(false) => {
                shared.remember_write(&job.call.sql);
                // A job that comes back is dropped, and its caller told that the database is
                // closed.
                let _ = shared.push_write(WriterWork::Write(job));
            }
            Err(error) => job.reply_error(error),
        },
    }
}

fn run_read(shared: &Arc<Shared>, connection: &GuardedConnection, job: Job) {
    let Some(job) = job.if_wanted(&shared.counters) else { return };
    count_one(&shared.counters.reads);
    let (result, session) = connection.run_statement(&job.call, Scope::Shared);
    shared.counters.count_outcome(&result);
    job.send_reply(result, session, false);
}
