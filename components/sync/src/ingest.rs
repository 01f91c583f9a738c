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
use hedgeschool_replication::wire::{Applied, Batch};
use hedgeschool_replication::{Leg, Position, Turn};
use hedgeschool_web::{Problem, Reply, StatusCode, random_bytes};

use crate::place::Place;
use crate::queue::{Queue, Queued, Verdict, queued_ms};
use crate::stores::Journal;
use crate::{serve, status};

/// Batches that may wait in the queue: about 128 MiB, as they usually are. More are answered 429.
pub const QUEUE_MAX: u64 = 128;
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
const LOOK_MIN: Duration = Duration::from_millis(2);
const LOOK_MAX: Duration = Duration::from_millis(20);
/// How often it looks whether others have died, or the queue is lost.
const DOUBT: Duration = Duration::from_secs(1);
/// How long an early batch waits for the one before it.
const EARLY: Duration = Duration::from_secs(2);

const RETRY_AFTER: &str = "retry-after";

thread_local! {
    static WORKING: Cell<usize> = const { Cell::new(0) };
}

/// A batch that was added to the queue, without its entries.
pub struct Ticket {
    journal: Journal,
    node: String,
    epoch: String,
    leg: Leg,
}

impl Ticket {
    /// Of a batch that passed all checks.
    pub fn of(journal: Journal, batch: &Batch) -> Self {
        let (node, epoch) = (batch.node.clone(), batch.epoch.clone());
        Self { journal, node, epoch, leg: batch.leg() }
    }

    /// When it is its turn, by the store, and how far that has the journal.
    async fn turn(&self) -> Result<(Turn, Position), Problem> {
        let position = self.journal.peer_position(self.node.clone(), self.epoch.clone()).await?;
        Ok((self.leg.turn(&position), position))
    }
}

/// The queue, and a batch in it.
pub struct Waiting {
    queue: Queue,
    ticket: Ticket,
    id: String,
    /// Others were in the queue before it.
    is_behind: bool,
}

/// The node's queue, if it has one.
pub async fn queue() -> Result<Option<Queue>, Problem> {
    Ok(Redis::configured().await?.map(Queue::new))
}

/// Puts a batch into the queue. None: Redis is of no help.
pub async fn submit(
    queue: Queue,
    ticket: Ticket,
    bytes: &[u8],
) -> Result<Option<Waiting>, Problem> {
    match add(&queue, bytes).await {
        Ok(Some((id, is_behind))) => Ok(Some(Waiting { queue, ticket, id, is_behind })),
        Ok(None) => Err(full()),
        Err(failure) => {
            status::note_redis(&failure).await?;
            Ok(None)
        }
    }
}

/// Adds a batch; answers its id and whether others are before it. None: the queue is full.
async fn add(queue: &Queue, bytes: &[u8]) -> Result<Option<(String, bool)>, Failure> {
    let mut length = queue.length().await?;
    if length >= QUEUE_MAX {
        // What was left behind, by requests that ended.
        queue.forget_before(queue.now_ms().await?.saturating_sub(STALE_MS)).await?;
        length = queue.length().await?;
    }
    if length < QUEUE_MAX {
        return Ok(Some((queue.add(bytes).await?, length > 0)));
    }
    // Whoever is turned away has done something for the next one: nobody else may be there to.
    for _ in 0..HELP_MAX {
        let Some(_place) = Place::take(&WORKING, WORKERS_MAX) else { break };
        let Some(next) = next(queue, true).await? else { break };
        work(queue, &next, 0).await?;
    }
    Ok(None)
}

/// Nodes that are turned away together do not come back together.
fn full() -> Problem {
    let [random] = random_bytes::<1>();
    let seconds = 1 + random % 5;
    let detail = format!("{QUEUE_MAX} batches wait already: try again in {seconds} s");
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, detail);
    problem.with_header(RETRY_AFTER, seconds.to_string())
}

/// The next batch to work on.
async fn next(queue: &Queue, has_doubts: bool) -> Result<Option<Queued>, Failure> {
    if has_doubts && let Some(claimed) = queue.claim().await? {
        return Ok(Some(claimed));
    }
    queue.take().await
}

/// Applies a batch of the queue, and says what became of it.
async fn work(queue: &Queue, next: &Queued, now_ms: u64) -> Result<Verdict, Failure> {
    let verdict = match queued_ms(&next.id) {
        Some(ms) if ms + STALE_MS < now_ms => refused(Problem::busy()),
        _ => apply(&next.bytes).await.unwrap_or_else(refused),
    };
    queue.settle(&next.id, &verdict).await?;
    Ok(verdict)
}

/// Applies a batch that passed all checks when it was queued.
async fn apply(bytes: &[u8]) -> Result<Verdict, Problem> {
    let batch = Batch::parse(bytes).map_err(serve::refused)?;
    let journal = serve::named(&batch.journal)?;
    if let (Turn::Early, _) = Ticket::of(journal, &batch).turn().await? {
        return Ok(Verdict::Early);
    }
    match serve::apply(journal, batch).await? {
        (StatusCode::OK, _) => Ok(Verdict::Applied),
        (status, applied) => {
            let body = serde_json::to_string(&applied).map_err(Problem::internal)?;
            let media_type = "application/json".to_owned();
            Ok(Verdict::Refused { status: status.as_u16(), media_type, retry_after: None, body })
        }
    }
}

fn refused(problem: Problem) -> Verdict {
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
fn passed(position: Position) -> Result<Reply, Problem> {
    Ok(Reply::json(&Applied { position })?.with_status(StatusCode::CONFLICT))
}

impl Waiting {
    /// Works on the queue until something has become of the batch, and answers what.
    pub async fn answer(mut self) -> Result<Reply, Problem> {
        match self.wait().await {
            Ok(Some(verdict)) => self.told(verdict).await,
            Ok(None) => self.store_says().await,
            Err(failure) => {
                status::note_redis(&failure).await?;
                self.store_says().await
            }
        }
    }

    /// What to answer to a verdict.
    async fn told(&self, verdict: Verdict) -> Result<Reply, Problem> {
        match verdict {
            Verdict::Applied => self.store_says().await,
            Verdict::Early => self.answer_early().await,
            Verdict::Refused { status, media_type, retry_after, body } => {
                let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
                let reply = Reply::new(status, &media_type, body);
                Ok(retry_after.iter().fold(reply, |reply, at| reply.with_header(RETRY_AFTER, at)))
            }
        }
    }

    /// 200 if the batch is applied, 409 if it cannot be any more; otherwise it is to be sent again.
    async fn store_says(&self) -> Result<Reply, Problem> {
        match self.ticket.turn().await? {
            (Turn::Done, position) => Reply::json(&Applied { position }),
            (Turn::Past, position) => passed(position),
            (Turn::Now | Turn::Early, _) => Err(Problem::busy()),
        }
    }

    /// Works on the queue until something has become of the batch. None: nothing has, in time.
    async fn wait(&mut self) -> Result<Option<Verdict>, Failure> {
        let started = Instant::now();
        let (mut pause, mut doubted) = (LOOK_MIN, started);
        while started.elapsed() < WAIT {
            let has_doubts = std::mem::take(&mut self.is_behind);
            if let Some(worked) = self.work(has_doubts).await? {
                if let Some(verdict) = worked {
                    return Ok(Some(verdict));
                }
                // There may be more to do.
                pause = LOOK_MIN;
            } else {
                spin_sdk::time::sleep(pause).await;
                pause = (pause * 2).min(LOOK_MAX);
            }
            if let Some(verdict) = self.queue.verdict(&self.id).await? {
                return Ok(Some(verdict));
            }
            if doubted.elapsed() > DOUBT {
                doubted = Instant::now();
                self.is_behind = true;
                if self.queue.length().await? == 0 {
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Works on one batch. None: there is none, or others of this instance do. Some: it was this
    /// one, with the verdict, or another one.
    async fn work(&self, has_doubts: bool) -> Result<Option<Option<Verdict>>, Failure> {
        let Some(_place) = Place::take(&WORKING, WORKERS_MAX) else { return Ok(None) };
        let Some(next) = next(&self.queue, has_doubts).await? else { return Ok(None) };
        let verdict = work(&self.queue, &next, queued_ms(&self.id).unwrap_or(0)).await?;
        Ok(Some((next.id == self.id).then_some(verdict)))
    }

    /// Two batches of a node may have overtaken each other: waits for the other one, out of the
    /// workers' way.
    async fn answer_early(&self) -> Result<Reply, Problem> {
        let deadline = Instant::now() + EARLY;
        let position = loop {
            match self.ticket.turn().await? {
                (Turn::Early, position) if Instant::now() >= deadline => break position,
                (Turn::Early, _) => spin_sdk::time::sleep(LOOK_MAX).await,
                (Turn::Now | Turn::Done | Turn::Past, _) => return self.apply_early().await,
            }
        };
        // Left there, if Redis fails: it is forgotten after a while.
        let _ = self.queue.remove(&self.id).await;
        passed(position)
    }

    async fn apply_early(&self) -> Result<Reply, Problem> {
        let found = self.queue.find(&self.id).await;
        let _ = self.queue.remove(&self.id).await;
        match found {
            Ok(Some(queued)) => match apply(&queued.bytes).await? {
                refused @ Verdict::Refused { .. } => Box::pin(self.told(refused)).await,
                Verdict::Applied | Verdict::Early => self.store_says().await,
            },
            Ok(None) | Err(_) => self.store_says().await,
        }
    }
}
