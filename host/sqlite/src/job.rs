//! What travels between callers and the threads that own connections.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::call::{Call, Session};
use crate::error::Error;
use crate::stats::{Counters, add_since};
use crate::value::Rows;

/// What a caller gets back.
pub(crate) struct Reply {
    pub(crate) result: Result<Rows, Error>,
    pub(crate) session: Session,
    /// Whether a guest's transaction is over.
    pub(crate) is_over: bool,
}

/// A statement with somebody waiting for its result.
pub(crate) struct Job {
    pub(crate) call: Call,
    pub(crate) reply: oneshot::Sender<Reply>,
    /// When it was asked for.
    pub(crate) since: Instant,
    /// The job's share of the queue, given back when the job is dropped.
    pub(crate) _share: OwnedSemaphorePermit,
}

impl Job {
    /// Nobody minds whether the answer is still wanted.
    pub(crate) fn send_reply(self, result: Result<Rows, Error>, session: Session, is_over: bool) {
        let _ = self.reply.send(Reply { result, session, is_over });
    }

    pub(crate) fn reply_error(self, error: Error) {
        let session = self.call.session;
        self.send_reply(Err(error), session, false);
    }

    /// Gives the job back if it is still worth doing, and otherwise answers it.
    pub(crate) fn if_wanted(self, counters: &Counters) -> Option<Self> {
        add_since(&counters.wait_us, self.since);
        if self.reply.is_closed() {
            return None;
        }
        if Instant::now() >= self.call.deadline {
            self.reply_error(Error::Busy("the statement waited too long for its turn".into()));
            return None;
        }
        Some(self)
    }
}

/// What a reader is asked for.
pub(crate) enum ReaderWork {
    /// A statement that reads.
    Read(Job),
    /// A statement that may turn out to write.
    ReadOrWrite(Job),
}

/// What the writer is asked for.
pub(crate) enum WriterWork {
    /// A statement that can share a transaction with others.
    Write(Job),
    /// A statement that must run outside of any transaction.
    Alone(Job),
    /// The first statement of a guest's transaction, and where the others come from.
    Begin(Job, Receiver<Job>),
}
