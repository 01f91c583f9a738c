//! The parts of a round that go on beside each other, and take turns on one thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::join4;
use hedgeschool_replication::Stamp;
use hedgeschool_replication::round::{PullStep, RoundMoment, early_reply_pause};
use hedgeschool_replication::timing::{CHECK_INTERVAL, EARLY_REPLY_BACKOFF};

use crate::admin::{health, storage};
use crate::checkpoint::{Snapshot, UpstreamState};
use crate::client::blobs::Fetching;
use crate::client::exchange::{Exchange, PullOutcome, exchange_news};
use crate::client::outbox::Outbox;
use crate::client::records::fetch_wanted_records;
use crate::client::report::RoundReport;
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError};
use crate::peer::now_us;

/// What is shared by the parts of a round.
pub struct Session {
    upstream: Upstream,
    /// What is remembered of it, as it was recorded last.
    recorded: RefCell<UpstreamState>,
    below: BTreeSet<String>,
    /// How far its clock is ahead of this one's, in microseconds.
    skew: Stamp,
    deadline: Instant,
    lingers: bool,
    is_over: Cell<bool>,
    report: RefCell<RoundReport>,
    error: RefCell<Option<SyncError>>,
}

/// How the parts of a round ended.
pub struct Outcome {
    /// What they did.
    pub report: RoundReport,
    /// Why they ended early.
    pub error: Option<SyncError>,
}

impl Session {
    /// Begins, for so long at most.
    pub fn new(
        upstream: Upstream,
        state: UpstreamState,
        below: BTreeSet<String>,
        skew: Stamp,
        work: Duration,
        lingers: bool,
    ) -> Self {
        Self {
            upstream,
            recorded: RefCell::new(state),
            below,
            skew,
            deadline: Instant::now() + work,
            lingers,
            is_over: Cell::new(false),
            report: RefCell::default(),
            error: RefCell::default(),
        }
    }

    /// Runs all parts to their ends. `pulled` came with the first answer.
    pub async fn run(
        self,
        outboxes: &mut [Outbox],
        mut pulled: PullOutcome,
        is_renewed: bool,
        is_wanting: bool,
    ) -> Outcome {
        self.report.borrow_mut().pulled = pulled.entries;
        pulled.more |= is_renewed;
        join4(
            self.push_journals(outboxes),
            self.pull_news(pulled),
            self.fetch_records(is_wanting),
            self.fetch_courses(),
        )
        .await;
        Outcome { report: self.report.into_inner(), error: self.error.into_inner() }
    }

    fn moment(&self) -> RoundMoment {
        let left = self.deadline.saturating_duration_since(Instant::now());
        RoundMoment { lingers: self.lingers, is_over: self.is_over.get(), left }
    }

    fn stop_all(&self, error: SyncError) {
        self.is_over.set(true);
        self.error.borrow_mut().get_or_insert(error);
    }

    /// Sends what is here, and then what comes to be here.
    async fn push_journals(&self, outboxes: &mut [Outbox]) {
        let (mut is_unrecorded, mut recorded) = (true, None::<Instant>);
        loop {
            for outbox in outboxes.iter_mut() {
                match outbox.drain(&self.upstream, self.deadline).await {
                    Ok(applied) => {
                        self.report.borrow_mut().pushed += applied;
                        is_unrecorded |= applied > 0;
                    }
                    Err(error) => return self.stop_all(error),
                }
            }
            let step = self.moment().next_push(is_unrecorded, recorded.map(|at| at.elapsed()));
            self.report.borrow_mut().more |= step.more;
            if step.records {
                let state = self.current_state(outboxes);
                if let Err(error) = state.save().await {
                    return self.stop_all(error);
                }
                self.recorded.replace(state);
                (is_unrecorded, recorded) = (false, Some(Instant::now()));
            }
            if !step.goes_on {
                return;
            }
            spin_sdk::time::sleep(CHECK_INTERVAL).await;
        }
    }

    /// What is to be remembered of the upstream amid a round: people look meanwhile.
    fn current_state(&self, outboxes: &[Outbox]) -> UpstreamState {
        let mut state = self.recorded.borrow().clone();
        state.record_contact(now_us(), self.skew);
        state.clear_problem();
        let progress: Vec<_> = outboxes.iter().map(Outbox::progress).collect();
        state.with_positions(&progress)
    }

    /// Tells how this node stands, and hears what the upstream has to say.
    async fn exchange(&self, wait: Duration) -> Result<Exchange> {
        let state = self.recorded.borrow().clone();
        let mut snapshot = Snapshot::read_with(state, self.below.clone()).await?;
        let health = health::read_health(&self.upstream.me, &snapshot).await?;
        // What the upstream has of the journals, this round will tell.
        snapshot.upstream.journals.clear();
        exchange_news(&self.upstream, &snapshot, health, wait).await
    }

    /// Gets what is there, and then what comes to be there.
    async fn pull_news(&self, mut pulled: PullOutcome) {
        loop {
            let wait = match self.moment().next_pull(pulled.more, pulled.is_full) {
                PullStep::Ask { wait } => wait,
                PullStep::Stop { more } => {
                    self.report.borrow_mut().more |= more;
                    return;
                }
            };
            let asked = Instant::now();
            match self.exchange(wait).await {
                Ok(exchange) => pulled = exchange.pulled,
                Err(error) => return self.stop_all(error),
            }
            self.report.borrow_mut().pulled += pulled.entries;
            if let Some(pause) = early_reply_pause(pulled.entries, asked.elapsed(), wait) {
                spin_sdk::time::sleep(pause.min(self.moment().left)).await;
            }
        }
    }

    /// Gets the records of learners whom this node follows from now on.
    async fn fetch_records(&self, is_wanting: bool) {
        let peer = self.recorded.borrow().node.clone();
        if !is_wanting && !self.lingers {
            return;
        }
        loop {
            match fetch_wanted_records(&self.upstream, &peer).await {
                Ok(entries) => self.report.borrow_mut().pulled += entries,
                Err(error) => return self.stop_all(error),
            }
            if !self.moment().looks_again() {
                return;
            }
            spin_sdk::time::sleep(EARLY_REPLY_BACKOFF).await;
        }
    }

    async fn keep_within_limit(&self) -> Result<()> {
        if !storage::is_due() {
            return Ok(());
        }
        let state = self.recorded.borrow().clone();
        let snapshot = Snapshot::read_with(state, self.below.clone()).await?;
        storage::keep_within_limit(Some(&snapshot)).await
    }

    /// Fetches courses that are announced.
    async fn fetch_courses(&self) {
        loop {
            if let Err(error) = self.keep_within_limit().await {
                return self.stop_all(error);
            }
            let fetching = Fetching::new(&self.upstream, self.deadline);
            let fetched = fetching.run(|| !self.is_over.get()).await;
            self.report.borrow_mut().fetched_bytes += fetching.stored_bytes();
            match fetched {
                Ok(more) => self.report.borrow_mut().more |= more,
                // The rest is fetched when there is room again.
                Err(SyncError::Full) => {}
                Err(error) => return self.stop_all(error),
            }
            if !self.moment().looks_again() {
                return;
            }
            spin_sdk::time::sleep(EARLY_REPLY_BACKOFF).await;
        }
    }
}
