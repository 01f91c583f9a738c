//! Fetching the bytes of announced packages, from wherever the last attempt ended.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hedgeschool_replication::pace::ANSWER;
use hedgeschool_replication::wire::{BLOBS_PATH, PIECE_BYTES_MAX, PIECES_MAX, Piece, Pieces};
use hedgeschool_replication::{Fetch, Request};
use hedgeschool_web::{Problem, StatusCode};
use http_body_util::BodyExt;

use crate::push::Halt;
use crate::stores::ContentError;
use crate::stores::arrivals::{self, BlobBytes};
use crate::upstream::{Answer, Failure, Upstream, failure};

thread_local! {
    /// What the last round knew of the link, in bytes a second. A round that knows nothing begins
    /// small.
    static RATE: Cell<Option<f64>> = const { Cell::new(None) };
}

/// Fetching during one round.
pub struct Fetching<'a> {
    upstream: &'a Upstream,
    start: Instant,
    /// When to stop, also in the middle of an answer.
    deadline: Instant,
    plan: RefCell<Fetch>,
    /// Bytes that are stored.
    stored: Cell<u64>,
}

impl<'a> Fetching<'a> {
    pub fn new(upstream: &'a Upstream, deadline: Instant) -> Self {
        let plan = RefCell::new(Fetch::new(RATE.get()));
        Self { upstream, start: Instant::now(), deadline, plan, stored: Cell::new(0) }
    }

    /// How many bytes have come and are stored.
    pub fn bytes(&self) -> u64 {
        self.stored.get()
    }

    /// Fetches until everything that was announced is here, or what can be had of it, or the round
    /// is over. True: there is more to do.
    pub async fn run(&self, goes_on: impl Fn() -> bool) -> Result<bool, Halt> {
        let done = self.work(goes_on).await;
        RATE.set(self.plan.borrow().rate());
        done
    }

    async fn work(&self, goes_on: impl Fn() -> bool) -> Result<bool, Halt> {
        let mut underway = FuturesUnordered::new();
        let mut is_finishing = true;
        loop {
            while goes_on()
                && let Some(request) = self.next().await?
            {
                underway.push(async move { (self.fetch(&request.pieces).await, request) });
            }
            let ended = underway.next().await;
            // What other rounds have fetched is finished here too.
            if (ended.is_some() || is_finishing) && self.is_on() {
                is_finishing = arrivals::finish().await?;
            }
            match ended {
                None if is_finishing && self.is_on() && goes_on() => {}
                None => break,
                Some((outcome, request)) => {
                    if let Err(halt) = self.ended(&request, outcome) {
                        // What came of the others is kept too.
                        while underway.next().await.is_some() {}
                        return Err(halt);
                    }
                }
            }
        }
        Ok(is_finishing || !self.is_on())
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn is_on(&self) -> bool {
        !self.left().is_zero()
    }

    /// The next request, if there should be one now.
    async fn next(&self) -> Result<Option<Request>, Halt> {
        let room = self.plan.borrow().room(self.left());
        let Some(room) = room else { return Ok(None) };
        let look = self.plan.borrow().look(room);
        let wanted = arrivals::wanted(look).await?;
        let wanted = wanted.into_iter().map(|blob| Piece {
            length: blob.size - blob.have,
            hash: blob.hash,
            start: blob.have,
        });
        let now = self.start.elapsed();
        Ok(self.plan.borrow_mut().request(wanted.collect(), room, now))
    }

    /// Notes how a request ended. An error is one that ends the round.
    fn ended(&self, request: &Request, outcome: Result<u64, (u64, Halt)>) -> Result<(), Halt> {
        let mut plan = self.plan.borrow_mut();
        let came = outcome.as_ref().map_or_else(|(came, _)| *came, |came| *came);
        plan.ended(request, came, self.start.elapsed());
        let Err((_, halt)) = outcome else { return Ok(()) };
        match halt {
            Halt::Upstream(Failure::Refused(StatusCode::NOT_FOUND, reason)) => {
                // It will have it later.
                eprintln!("a course cannot be fetched yet: {reason}");
                request.pieces.iter().for_each(|piece| plan.shun(piece));
                Ok(())
            }
            Halt::Upstream(Failure::Busy(_)) => {
                plan.slow_down();
                Ok(())
            }
            halt => Err(halt),
        }
    }

    /// Fetches pieces by one request; answers how many bytes came, also if it fails.
    async fn fetch(&self, pieces: &[Piece]) -> Result<u64, (u64, Halt)> {
        let mut intake = Intake::new(self, pieces);
        match self.read(pieces, &mut intake).await {
            Ok(()) => Ok(intake.came),
            Err(halt) => {
                if let Halt::Upstream(Failure::Busy(pause)) = &halt {
                    spin_sdk::time::sleep((*pause).min(self.left())).await;
                }
                Err((intake.came, halt))
            }
        }
    }

    async fn read(&self, pieces: &[Piece], intake: &mut Intake<'_>) -> Result<(), Halt> {
        let upstream = self.upstream;
        let request = Pieces { node: upstream.me.clone(), pieces: pieces.to_vec() };
        let sent = upstream.send(BLOBS_PATH, &request);
        let response = match upstream.within(BLOBS_PATH, ANSWER.min(self.left()), sent).await {
            Err(_) if !self.is_on() => return Ok(()),
            response => response?,
        };
        let (head, mut body) = response.into_parts();
        if head.status != StatusCode::OK {
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let answer = Answer { status: head.status, headers: head.headers, body };
            return Err(failure(&answer).into());
        }
        let ended = loop {
            let frame = async { Ok(body.frame().await) };
            match upstream.within(BLOBS_PATH, ANSWER.min(self.left()), frame).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        intake.take(data).await?;
                    }
                }
                Ok(None) if intake.waiting.is_empty() => break Ok(()),
                Ok(None) => break Err(upstream.down(BLOBS_PATH, "the answer ends early")),
                Ok(Some(Err(error))) => break Err(upstream.down(BLOBS_PATH, error)),
                // The round is over. What is still to come is for the next one.
                Err(_) if !self.is_on() => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        // What came before a cut does not come again.
        intake.keep().await?;
        Ok(ended?)
    }
}

/// Makes packages visible that are here, until a moment. True: there was something to do.
pub async fn finish(until: Instant) -> Result<bool, Problem> {
    let mut has_worked = false;
    while Instant::now() < until && arrivals::finish().await? {
        has_worked = true;
    }
    Ok(has_worked)
}

/// Bytes on their way into the store.
struct Intake<'a> {
    fetching: &'a Fetching<'a>,
    /// The pieces that are still to come, the first one perhaps in part.
    waiting: VecDeque<Piece>,
    /// The first bytes of the first of them.
    read: BytesMut,
    /// Pieces that are not stored yet, and how many bytes they have.
    held: Vec<BlobBytes>,
    held_bytes: u64,
    /// All bytes so far.
    came: u64,
}

impl<'a> Intake<'a> {
    fn new(fetching: &'a Fetching<'a>, pieces: &[Piece]) -> Self {
        let waiting = pieces.iter().cloned().collect();
        let (read, held) = (BytesMut::new(), Vec::new());
        Self { fetching, waiting, read, held, held_bytes: 0, came: 0 }
    }

    async fn take(&mut self, data: Bytes) -> Result<(), Problem> {
        let bytes = data.len() as u64;
        self.came += bytes;
        self.fetching.plan.borrow_mut().arrived(bytes);
        self.read.extend_from_slice(&data);
        while let Some(piece) = self.waiting.front() {
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX);
            if self.read.len() < length {
                break;
            }
            let bytes = self.read.split_to(length);
            self.hold(bytes).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Keeps a piece, or the beginning of one, until there are enough of them for a commit.
    async fn hold(&mut self, bytes: BytesMut) -> Result<(), Problem> {
        let Some(piece) = self.waiting.front() else { return Ok(()) };
        let length = bytes.len() as u64;
        let part =
            BlobBytes { hash: piece.hash.clone(), start: piece.start, bytes: bytes.to_vec() };
        if self.held_bytes + length > PIECE_BYTES_MAX || self.held.len() == PIECES_MAX {
            self.store().await?;
        }
        self.held_bytes += length;
        self.held.push(part);
        Ok(())
    }

    async fn store(&mut self) -> Result<(), Problem> {
        let held = std::mem::take(&mut self.held);
        let bytes = std::mem::take(&mut self.held_bytes);
        for hash in arrivals::put_bytes(held).await? {
            self.fetching.plan.borrow_mut().shun(&Piece {
                hash,
                start: 0,
                length: PIECE_BYTES_MAX,
            });
        }
        let stored = &self.fetching.stored;
        stored.set(stored.get() + bytes);
        Ok(())
    }

    /// Stores what there is, also of a piece that has not come whole.
    async fn keep(&mut self) -> Result<(), Problem> {
        let bytes = self.read.split();
        if !bytes.is_empty() {
            self.hold(bytes).await?;
        }
        if self.held.is_empty() { Ok(()) } else { self.store().await }
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        crate::stores::Error::from(error).into()
    }
}

impl From<ContentError> for Halt {
    fn from(error: ContentError) -> Self {
        Self::Here(error.into())
    }
}
