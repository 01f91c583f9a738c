//! The threads that read, each with a connection of its own.

use std::sync::Arc;

use crate::guard::Scope;
use crate::job::{Job, Work};
use crate::link::{Link, Role};
use crate::shared::Shared;
use crate::stats::count;

/// What a reader is asked for.
pub(crate) enum Look {
    /// A statement that reads.
    Read(Job),
    /// A statement that may turn out to write.
    ReadOrWrite(Job),
}

/// A reader's thread, until the queue is closed and empty.
pub(crate) fn read_all(shared: &Arc<Shared>) {
    let mut link = None;
    while let Some(look) = shared.reads.pop() {
        match link.take().map_or_else(|| shared.open_link(Role::Reader), Ok) {
            Ok(opened) => serve(shared, link.insert(opened), look),
            Err(error) => {
                let (Look::Read(job) | Look::ReadOrWrite(job)) = look;
                job.fail(error);
            }
        }
    }
}

fn serve(shared: &Arc<Shared>, link: &Link, look: Look) {
    match look {
        Look::Read(job) => read(shared, link, job),
        Look::ReadOrWrite(job) => match link.is_read(&job.call) {
            Ok(true) => read(shared, link, job),
            Ok(false) => {
                shared.remember_write(&job.call.sql);
                // A job that comes back is dropped, and its caller told that the database is
                // closed.
                let _ = shared.push_write(Work::Write(job));
            }
            Err(error) => job.fail(error),
        },
    }
}

fn read(shared: &Arc<Shared>, link: &Link, job: Job) {
    let Some(job) = job.if_wanted(&shared.counters) else { return };
    count(&shared.counters.reads);
    let (result, session) = link.run(&job.call, Scope::Shared);
    shared.counters.ended(&result);
    job.answer(result, session, false);
}
