//! Fetching the bytes of announced packages, from wherever the last attempt ended.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hedgeschool_replication::timing::REQUEST_TIMEOUT;
use hedgeschool_replication::wire::{BLOBS_PATH, BlobsRequest, Piece};
use hedgeschool_replication::{FetchPlan, FetchRequest};
use hedgeschool_web::StatusCode;
use http_body_util::BodyExt;

use crate::client::failure::{Answer, UpstreamFailure};
use crate::client::intake::Intake;
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError};
use crate::store::arrivals;

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
    plan: RefCell<FetchPlan>,
    /// Bytes that are stored.
    stored: Cell<u64>,
}

impl<'a> Fetching<'a> {
    /// Begins, until a deadline.
    pub fn new(upstream: &'a Upstream, deadline: Instant) -> Self {
        let plan = RefCell::new(FetchPlan::new(RATE.get()));
        Self { upstream, start: Instant::now(), deadline, plan, stored: Cell::new(0) }
    }

    /// How many bytes have come and are stored.
    pub fn stored_bytes(&self) -> u64 {
        self.stored.get()
    }

    /// Fetches until everything that was announced is here, or what can be had of it, or the round
    /// is over. True: there is more to do.
    pub async fn run(&self, goes_on: impl Fn() -> bool) -> Result<bool> {
        let done = self.fetch_all(goes_on).await;
        RATE.set(self.plan.borrow().bytes_per_second());
        done
    }

    async fn fetch_all(&self, goes_on: impl Fn() -> bool) -> Result<bool> {
        let mut underway = FuturesUnordered::new();
        let mut is_finishing = true;
        loop {
            while goes_on()
                && let Some(request) = self.next_request().await?
            {
                underway.push(async move { (self.fetch_pieces(&request.pieces).await, request) });
            }
            let ended = underway.next().await;
            // What other rounds have fetched is finished here too.
            if (ended.is_some() || is_finishing) && self.has_time() {
                is_finishing = arrivals::finish().await?;
            }
            match ended {
                None if is_finishing && self.has_time() && goes_on() => {}
                None => break,
                Some((outcome, request)) => {
                    if let Err(error) = self.record_end(&request, outcome) {
                        // What came of the others is kept too.
                        while underway.next().await.is_some() {}
                        return Err(error);
                    }
                }
            }
        }
        Ok(is_finishing || !self.has_time())
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn has_time(&self) -> bool {
        !self.time_left().is_zero()
    }

    /// The next request, if there should be one now.
    async fn next_request(&self) -> Result<Option<FetchRequest>> {
        let bytes = self.plan.borrow().next_request_bytes(self.time_left());
        let Some(bytes) = bytes else { return Ok(None) };
        let search = self.plan.borrow().search_bytes(bytes);
        let wanted = arrivals::wanted(search).await?;
        let wanted = wanted.into_iter().map(|blob| Piece {
            length: blob.size - blob.have,
            hash: blob.hash,
            start: blob.have,
        });
        let now = self.start.elapsed();
        Ok(self.plan.borrow_mut().next_request(wanted.collect(), bytes, now))
    }

    /// Notes how a request ended. An error is one that ends the round.
    fn record_end(
        &self,
        request: &FetchRequest,
        outcome: std::result::Result<u64, (u64, SyncError)>,
    ) -> Result<()> {
        let mut plan = self.plan.borrow_mut();
        let came = outcome.as_ref().map_or_else(|(came, _)| *came, |came| *came);
        plan.record_end(request, came, self.start.elapsed());
        let Err((_, error)) = outcome else { return Ok(()) };
        match error {
            SyncError::Upstream(UpstreamFailure::Refused(StatusCode::NOT_FOUND, reason)) => {
                // It will have it later.
                eprintln!("a course cannot be fetched yet: {reason}");
                request.pieces.iter().for_each(|piece| plan.exclude_blob(piece));
                Ok(())
            }
            SyncError::Upstream(UpstreamFailure::Busy(_)) => {
                plan.slow_down();
                Ok(())
            }
            error => Err(error),
        }
    }

    /// Fetches pieces by one request; answers how many bytes came, also if it fails.
    async fn fetch_pieces(&self, pieces: &[Piece]) -> std::result::Result<u64, (u64, SyncError)> {
        let mut intake = Intake::new(&self.plan, &self.stored, pieces);
        match self.read_pieces(pieces, &mut intake).await {
            Ok(()) => Ok(intake.came()),
            Err(error) => {
                if let SyncError::Upstream(UpstreamFailure::Busy(pause)) = &error {
                    spin_sdk::time::sleep((*pause).min(self.time_left())).await;
                }
                Err((intake.came(), error))
            }
        }
    }

    async fn read_pieces(&self, pieces: &[Piece], intake: &mut Intake<'_>) -> Result<()> {
        let upstream = self.upstream;
        let request = BlobsRequest { node: upstream.me.clone(), pieces: pieces.to_vec() };
        let sent = upstream.send_message(BLOBS_PATH, &request);
        let response = match upstream
            .wait_within(BLOBS_PATH, REQUEST_TIMEOUT.min(self.time_left()), sent)
            .await
        {
            Err(_) if !self.has_time() => return Ok(()),
            response => response?,
        };
        let (head, mut body) = response.into_parts();
        if head.status != StatusCode::OK {
            let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let answer = Answer { status: head.status, headers: head.headers, body };
            return Err(UpstreamFailure::from(&answer).into());
        }
        let ended = loop {
            let frame = async { Ok(body.frame().await) };
            match upstream
                .wait_within(BLOBS_PATH, REQUEST_TIMEOUT.min(self.time_left()), frame)
                .await
            {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        intake.take_data(data).await?;
                    }
                }
                Ok(None) if intake.is_complete() => break Ok(()),
                Ok(None) => break Err(upstream.link_failure(BLOBS_PATH, "the answer ends early")),
                Ok(Some(Err(error))) => break Err(upstream.link_failure(BLOBS_PATH, error)),
                // The round is over. What is still to come is for the next one.
                Err(_) if !self.has_time() => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        // What came before a cut does not come again.
        intake.keep_rest().await?;
        Ok(ended?)
    }
}

/// Makes packages visible that are here, until a moment. True: there was something to do.
pub async fn finish_arrivals(until: Instant) -> Result<bool> {
    let mut has_worked = false;
    while Instant::now() < until && arrivals::finish().await? {
        has_worked = true;
    }
    Ok(has_worked)
}
