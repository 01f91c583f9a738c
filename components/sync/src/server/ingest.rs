//! Batches of the nodes below on their way into the stores.
//!
//! Without Redis a batch is applied by the request that brought it. With Redis it goes into a
//! queue, and whoever waits for a batch there works on the queue meanwhile: in order of arrival, a
//! few at a time, the others' bytes being in Redis and not in this instance. What is answered is
//! the store's word in either case: Redis is asked only whether it is worth asking the store. A
//! batch that Redis loses was never acknowledged, and is sent again.

use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_redis::{Failure, Redis};
use hedgeschool_replication::timing::PREDECESSOR_WAIT;
use hedgeschool_replication::wire::{Applied, Batch};
use hedgeschool_replication::{Admission, BatchRange, Position};
use hedgeschool_web::{Problem, Reply, StatusCode, random_bytes};

use crate::error::{Result, SyncError};
use crate::permit::Permit;
use crate::server::access::find_journal;
use crate::server::apply::apply_batch;
use crate::server::queue::{Queue, Queued, Verdict, queued_ms};
use crate::server::redis_health::record_problem;
use crate::store::Journal;

/// Batches that may wait in the queue: about 128 MiB, as they usually are. More are answered 429.
const QUEUE_MAX: u64 = 128;
/// How long a request waits for its batch. Less than senders wait for the answer, and hosts for
/// ours.
const WAIT: Duration = Duration::from_secs(20);
/// What has been in the queue for longer than this has nobody waiting for it, in milliseconds.
const STALE_MS: u64 = 60_000;
/// Requests of an instance that work on the queue at one time. The store writes one batch after
/// another anyway.
const WORKERS_MAX: usize = 2;
/// Batches that a request which is refused has helped to apply before.
const HELP_MAX: usize = 4;
/// How often a request looks for its batch's verdict: at first, and at most.
const CHECK_MIN: Duration = Duration::from_millis(2);
const CHECK_MAX: Duration = Duration::from_millis(20);
/// How often it looks whether others have died, or the queue is lost.
const DOUBT_EVERY: Duration = Duration::from_secs(1);

/// What Redis answers, or why it is of no help.
type Asked<T> = std::result::Result<T, Failure>;

const RETRY_AFTER: &str = "retry-after";

thread_local! {
    static WORKING: Cell<usize> = const { Cell::new(0) };
}

/// A batch that was added to the queue, without its entries.
pub struct Ticket {
    journal: Journal,
    node: String,
    epoch: String,
    range: BatchRange,
}

impl Ticket {
    /// Of a batch that passed all checks.
    pub fn of(journal: Journal, batch: &Batch) -> Self {
        let (node, epoch) = (batch.node.clone(), batch.epoch.clone());
        Self { journal, node, epoch, range: batch.range() }
    }

    /// Whether it is applied now, by the store, and how far that has the journal.
    async fn read_admission(&self) -> Result<(Admission, Position)> {
        let position =
            self.journal.read_peer_position(self.node.clone(), self.epoch.clone()).await?;
        Ok((self.range.admission_at(&position), position))
    }
}

/// The queue, and a batch in it.
pub struct WaitingBatch {
    queue: Queue,
    ticket: Ticket,
    id: String,
    /// Others were in the queue before it.
    is_behind: bool,
}

/// The node's queue, if it has one.
pub async fn find_queue() -> Result<Option<Queue>> {
    Ok(Redis::configured().await?.map(Queue::new))
}

/// Puts a batch into the queue. None: Redis is of no help.
pub async fn submit_batch(
    queue: Queue,
    ticket: Ticket,
    bytes: &[u8],
) -> Result<Option<WaitingBatch>> {
    match add_to_queue(&queue, bytes).await {
        Ok(Some((id, is_behind))) => Ok(Some(WaitingBatch { queue, ticket, id, is_behind })),
        Ok(None) => {
            let [random] = random_bytes::<1>();
            Err(queue_full(random))
        }
        Err(failure) => {
            record_problem(&failure).await?;
            Ok(None)
        }
    }
}

/// Adds a batch; answers its id and whether others are before it. None: the queue is full.
async fn add_to_queue(queue: &Queue, bytes: &[u8]) -> Asked<Option<(String, bool)>> {
    let mut length = queue.read_length().await?;
    if length >= QUEUE_MAX {
        // What was left behind, by requests that ended.
        queue.forget_before(queue.read_clock_ms().await?.saturating_sub(STALE_MS)).await?;
        length = queue.read_length().await?;
    }
    if length < QUEUE_MAX {
        return Ok(Some((queue.add_batch(bytes).await?, length > 0)));
    }
    // Whoever is turned away has done something for the next one: nobody else may be there to.
    for _ in 0..HELP_MAX {
        let Some(_permit) = Permit::try_take(&WORKING, WORKERS_MAX) else { break };
        let Some(next) = take_next(queue, true).await? else { break };
        work_on(queue, &next, 0).await?;
    }
    Ok(None)
}

/// Nodes that are turned away together do not come back together.
fn queue_full(random: u8) -> SyncError {
    let seconds = 1 + random % 5;
    let detail = format!("{QUEUE_MAX} batches wait already: try again in {seconds} s");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
    problem.with_header(RETRY_AFTER, seconds.to_string()).into()
}

/// The next batch to work on.
async fn take_next(queue: &Queue, has_doubts: bool) -> Asked<Option<Queued>> {
    if has_doubts && let Some(claimed) = queue.claim_abandoned().await? {
        return Ok(Some(claimed));
    }
    queue.take_next().await
}

/// Applies a batch of the queue, and says what became of it.
async fn work_on(queue: &Queue, next: &Queued, now_ms: u64) -> Asked<Verdict> {
    let verdict = if is_stale(&next.id, now_ms) {
        refuse_batch(SyncError::Busy)
    } else {
        apply_queued(&next.bytes).await.unwrap_or_else(refuse_batch)
    };
    queue.record_verdict(&next.id, &verdict).await?;
    Ok(verdict)
}

/// Whether nobody waits for a batch any more, at a moment in milliseconds by the clock of Redis.
fn is_stale(id: &str, now_ms: u64) -> bool {
    queued_ms(id).is_some_and(|queued| queued + STALE_MS < now_ms)
}

/// Applies a batch that passed all checks when it was queued.
async fn apply_queued(bytes: &[u8]) -> Result<Verdict> {
    let batch = Batch::parse(bytes)?;
    let journal = find_journal(&batch.journal)?;
    if let (Admission::OutOfOrder, _) = Ticket::of(journal, &batch).read_admission().await? {
        return Ok(Verdict::OutOfOrder);
    }
    match apply_batch(journal, batch).await? {
        (StatusCode::OK, _) => Ok(Verdict::Applied),
        (status, applied) => {
            let body = serde_json::to_string(&applied).map_err(SyncError::Unwritable)?;
            let media_type = "application/json".to_owned();
            Ok(Verdict::Refused { status: status.as_u16(), media_type, retry_after: None, body })
        }
    }
}

fn refuse_batch(error: SyncError) -> Verdict {
    let problem = Problem::from(error);
    problem.log();
    let retry_after = problem.headers.iter().find(|(name, _)| *name == RETRY_AFTER);
    Verdict::Refused {
        status: problem.status.as_u16(),
        media_type: Problem::MEDIA_TYPE.to_owned(),
        retry_after: retry_after.map(|(_, value)| value.clone()),
        body: problem.body(),
    }
}

/// A batch is to be sent again, from where the store is.
fn answer_conflict(position: Position) -> Result<Reply> {
    Ok(Reply::json(&Applied { position })?.with_status(StatusCode::CONFLICT))
}

impl WaitingBatch {
    /// Works on the queue until something has become of the batch, and answers what.
    pub async fn answer(mut self) -> Result<Reply> {
        match self.await_verdict().await {
            Ok(Some(verdict)) => self.answer_verdict(verdict).await,
            Ok(None) => self.answer_by_store().await,
            Err(failure) => {
                record_problem(&failure).await?;
                self.answer_by_store().await
            }
        }
    }

    /// What to answer to a verdict.
    async fn answer_verdict(&self, verdict: Verdict) -> Result<Reply> {
        match verdict {
            Verdict::Applied => self.answer_by_store().await,
            Verdict::OutOfOrder => self.answer_out_of_order().await,
            Verdict::Refused { status, media_type, retry_after, body } => {
                let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
                let reply = Reply::new(status, &media_type, body);
                Ok(retry_after.iter().fold(reply, |reply, at| reply.with_header(RETRY_AFTER, at)))
            }
        }
    }

    /// 200 if the batch is applied, 409 if it cannot be any more; otherwise it is to be sent again.
    async fn answer_by_store(&self) -> Result<Reply> {
        match self.ticket.read_admission().await? {
            (Admission::Duplicate, position) => Ok(Reply::json(&Applied { position })?),
            (Admission::Conflict, position) => answer_conflict(position),
            (Admission::Apply | Admission::OutOfOrder, _) => Err(SyncError::Busy),
        }
    }

    /// Works on the queue until something has become of the batch. None: nothing has, in time.
    async fn await_verdict(&mut self) -> Asked<Option<Verdict>> {
        let started = Instant::now();
        let (mut pause, mut doubted) = (CHECK_MIN, started);
        while started.elapsed() < WAIT {
            let has_doubts = std::mem::take(&mut self.is_behind);
            if let Some(worked) = self.work_once(has_doubts).await? {
                if let Some(verdict) = worked {
                    return Ok(Some(verdict));
                }
                // There may be more to do.
                pause = CHECK_MIN;
            } else {
                spin_sdk::time::sleep(pause).await;
                pause = (pause * 2).min(CHECK_MAX);
            }
            if let Some(verdict) = self.queue.find_verdict(&self.id).await? {
                return Ok(Some(verdict));
            }
            if doubted.elapsed() > DOUBT_EVERY {
                doubted = Instant::now();
                self.is_behind = true;
                if self.queue.read_length().await? == 0 {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Works on one batch. None: there is none, or others of this instance do. Some: it was this
    /// one, with the verdict, or another one.
    async fn work_once(&self, has_doubts: bool) -> Asked<Option<Option<Verdict>>> {
        let Some(_permit) = Permit::try_take(&WORKING, WORKERS_MAX) else { return Ok(None) };
        let Some(next) = take_next(&self.queue, has_doubts).await? else { return Ok(None) };
        let verdict = work_on(&self.queue, &next, queued_ms(&self.id).unwrap_or(0)).await?;
        Ok(Some((next.id == self.id).then_some(verdict)))
    }

    /// Two batches of a node may have overtaken each other: waits for the other one, out of the
    /// workers' way.
    async fn answer_out_of_order(&self) -> Result<Reply> {
        let deadline = Instant::now() + PREDECESSOR_WAIT;
        let position = loop {
            match self.ticket.read_admission().await? {
                (Admission::OutOfOrder, position) if Instant::now() >= deadline => break position,
                (Admission::OutOfOrder, _) => spin_sdk::time::sleep(CHECK_MAX).await,
                (Admission::Apply | Admission::Duplicate | Admission::Conflict, _) => {
                    return self.apply_out_of_order().await;
                }
            }
        };
        // Left there, if Redis fails: it is forgotten after a while.
        let _ = self.queue.remove_batch(&self.id).await;
        answer_conflict(position)
    }

    async fn apply_out_of_order(&self) -> Result<Reply> {
        let found = self.queue.find_batch(&self.id).await;
        let _ = self.queue.remove_batch(&self.id).await;
        match found {
            Ok(Some(queued)) => match apply_queued(&queued.bytes).await? {
                refused @ Verdict::Refused { .. } => Box::pin(self.answer_verdict(refused)).await,
                Verdict::Applied | Verdict::OutOfOrder => self.answer_by_store().await,
            },
            Ok(None) | Err(_) => self.answer_by_store().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_any_more_is_not_applied() {
        assert!(!is_stale("1000-0", 61_000) && is_stale("1000-0", 61_001));
        assert!(!is_stale("no id", u64::MAX));
    }

    #[test]
    fn a_refusal_comes_to_whoever_waits_as_it_would_at_once() {
        let Verdict::Refused { status, media_type, retry_after, body } =
            refuse_batch(SyncError::Busy)
        else {
            panic!("it is refused");
        };
        assert_eq!((status, media_type.as_str()), (503, Problem::MEDIA_TYPE));
        assert_eq!(retry_after.as_deref(), Some("1"));
        assert!(body.contains("try again"));
    }

    #[test]
    fn nodes_that_are_turned_away_together_do_not_come_back_together() {
        for random in 0..=u8::MAX {
            let problem = Problem::from(queue_full(random));
            let seconds: u64 = problem.headers[0].1.parse().unwrap();
            assert!(problem.status.as_u16() == 429 && (1..=5).contains(&seconds));
        }
    }
}
