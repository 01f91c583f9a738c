//! One round of replication with the node above.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::future::{join4, try_join_all};
use hedgeschool_replication::backoff;
use hedgeschool_replication::pace::{LOOK, NEWS, UNHEARD};
use hedgeschool_web::{Problem, StatusCode, random_bytes};
use serde::Serialize;

use crate::blobs::Fetching;
use crate::link::Link;
use crate::pull::{self, Exchange};
use crate::push::{Halt, Outbox, Peer};
use crate::stores::Journal;
use crate::upstream::{Failure, Upstream};
use crate::{above, blobs, node, status, storage};

/// How long a round may go on while there is work; well below the request deadlines of hosts.
const WORK: Duration = Duration::from_secs(8);
/// How long a round that failed may go on with what needs no upstream.
const FINISH: Duration = Duration::from_secs(2);
/// How often a round that lingers notes what the upstream has applied, at most.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// What a round did.
#[derive(Debug, Default, Serialize)]
pub struct Round {
    /// Entries that the upstream applied.
    pub pushed: u64,
    /// Entries that came from it.
    pub pulled: u64,
    /// Bytes of courses that came from it.
    pub fetched_bytes: u64,
    /// Tick again at once: entries are left, or the round was one that lingers.
    pub more: bool,
    /// How long to leave the upstream alone.
    pub retry_after_seconds: Option<f64>,
    /// Why the round ended early.
    pub problem: Option<String>,
}

/// What an exchange left to do.
struct Pulled {
    /// There are more entries.
    more: bool,
    /// There is no room for some.
    is_full: bool,
}

/// What is shared by the parts of a round, which take turns on one thread.
struct Session {
    upstream: Upstream,
    /// What is remembered of it; without what it has of the journals, which this round will tell.
    link: Link,
    below: BTreeSet<String>,
    peer: String,
    /// How far its clock is ahead of this one's, in microseconds.
    skew: i64,
    deadline: Instant,
    lingers: bool,
    is_over: Cell<bool>,
    round: RefCell<Round>,
    halt: RefCell<Option<Halt>>,
}

/// Runs a round; one that lingers goes on for so long, and passes on news as they come. An
/// upstream out of reach is no failure of this node.
pub async fn run(linger: Duration) -> Result<Round, Problem> {
    storage::keep_within_limit().await?;
    let Some(upstream) = Upstream::configured().await? else { return Ok(Round::default()) };
    let mut link = Link::load(&upstream.url).await?;
    let below = node::serves().await?;
    let health = status::health(&upstream).await?;
    let greeting = pull::exchange(&upstream, &link, &below, health, Duration::ZERO).await;
    let mut greeting = match greeting {
        Ok(greeting) => greeting,
        Err(halt) => return ended(link, Round::default(), Some(halt)).await,
    };
    if link.has_lost(&greeting) {
        eprintln!("{} has lost entries: all of it is read again", upstream.url);
        above::forget(&upstream).await?;
    } else if link.has_learnt() {
        eprintln!("this node was upgraded: what {} kept from it is read", upstream.url);
        above::forget(&upstream).await?;
    }
    let peer = Peer { name: &greeting.upstream, protocol: greeting.protocol };
    let mut applied = std::mem::take(&mut greeting.applied);
    let greeted = Journal::ALL.into_iter().filter_map(|journal| {
        let applied = applied.remove(journal.name())?;
        Some(Outbox::greeted(journal, applied, &upstream, &peer, &link, &below))
    });
    let mut outboxes = try_join_all(greeted).await?;
    // At once: what is noted while the round goes on is of this upstream too.
    link.meet(&peer, &greeting.version, &outboxes);
    let is_renewed = outboxes.iter().any(Outbox::is_renewed);
    let session = Session {
        upstream,
        link: Link { journals: Default::default(), ..link.clone() },
        below,
        peer: greeting.upstream.clone(),
        skew: greeting.skew,
        deadline: Instant::now() + if linger.is_zero() { WORK } else { linger },
        lingers: !linger.is_zero(),
        is_over: Cell::new(false),
        round: RefCell::new(Round { pulled: greeting.entries, ..Round::default() }),
        halt: RefCell::new(None),
    };
    let first = Pulled { more: greeting.more || is_renewed, is_full: greeting.is_full };
    join4(
        session.push(&mut outboxes),
        session.pull(first),
        session.follow(greeting.is_wanting),
        session.fetch(),
    )
    .await;
    link.meet(&peer, &greeting.version, &outboxes);
    link.reached = node::now();
    link.skew = greeting.skew;
    for outbox in &mut outboxes {
        outbox.note().await?;
    }
    let link = link.with_places(&outboxes);
    ended(link, session.round.into_inner(), session.halt.into_inner()).await
}

impl Session {
    fn goes_on(&self) -> bool {
        !self.is_over.get() && Instant::now() < self.deadline
    }

    fn stop(&self, halt: Halt) {
        self.is_over.set(true);
        self.halt.borrow_mut().get_or_insert(halt);
    }

    /// Sends what is here, and then what comes to be here.
    async fn push(&self, outboxes: &mut [Outbox]) {
        let (mut is_noted, mut noted) = (!self.lingers, None::<Instant>);
        loop {
            for outbox in outboxes.iter_mut() {
                match outbox.drain(&self.upstream, self.deadline).await {
                    Ok(applied) => {
                        self.round.borrow_mut().pushed += applied;
                        is_noted &= applied == 0 || !self.lingers;
                    }
                    Err(halt) => return self.stop(halt),
                }
            }
            if Instant::now() >= self.deadline {
                self.round.borrow_mut().more = true;
                return;
            }
            if !is_noted && noted.is_none_or(|noted| noted.elapsed() > NOTED_EVERY) {
                if let Err(problem) = self.remembered(outboxes).save().await {
                    return self.stop(problem.into());
                }
                (is_noted, noted) = (true, Some(Instant::now()));
            }
            if !self.lingers || self.is_over.get() {
                return;
            }
            spin_sdk::time::sleep(LOOK).await;
        }
    }

    /// What is to be remembered of the upstream amid a round: people look meanwhile.
    fn remembered(&self, outboxes: &[Outbox]) -> Link {
        let link = Link {
            node: self.peer.clone(),
            reached: node::now(),
            skew: self.skew,
            failing_since: None,
            problem: None,
            advice: None,
            is_refused: false,
            ..self.link.clone()
        };
        link.with_places(outboxes)
    }

    /// Tells how this node stands, and hears what the upstream has to say.
    async fn exchange(&self, wait: Duration) -> Result<Exchange, Halt> {
        let health = status::health(&self.upstream).await?;
        pull::exchange(&self.upstream, &self.link, &self.below, health, wait).await
    }

    /// Gets what is there, and then what comes to be there.
    async fn pull(&self, first: Pulled) {
        let Pulled { mut more, mut is_full } = first;
        loop {
            // What there is no room for would come again and again.
            if is_full {
                return;
            }
            if !self.goes_on() || !(more || self.lingers) {
                self.round.borrow_mut().more |= more;
                return;
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            let wait = if more { Duration::ZERO } else { left.min(NEWS) };
            let asked = Instant::now();
            match self.exchange(wait).await {
                Ok(exchange) => {
                    (more, is_full) = (exchange.more, exchange.is_full);
                    self.round.borrow_mut().pulled += exchange.entries;
                    if exchange.entries == 0 && asked.elapsed() < wait / 2 {
                        spin_sdk::time::sleep(UNHEARD.min(left)).await;
                    }
                }
                Err(halt) => return self.stop(halt),
            }
        }
    }

    /// Gets the records of learners whom this node follows from now on.
    async fn follow(&self, is_wanting: bool) {
        if !is_wanting && !self.lingers {
            return;
        }
        loop {
            match pull::records(&self.upstream, &self.peer).await {
                Ok(entries) => self.round.borrow_mut().pulled += entries,
                Err(halt) => return self.stop(halt),
            }
            if !self.lingers || !self.goes_on() {
                return;
            }
            spin_sdk::time::sleep(UNHEARD).await;
        }
    }

    /// Fetches courses that are announced.
    async fn fetch(&self) {
        loop {
            if let Err(problem) = storage::keep_within_limit().await {
                return self.stop(problem.into());
            }
            let fetching = Fetching::new(&self.upstream, self.deadline);
            let fetched = fetching.run(|| !self.is_over.get()).await;
            self.round.borrow_mut().fetched_bytes += fetching.bytes();
            match fetched {
                Ok(more) => self.round.borrow_mut().more |= more,
                // The rest is fetched when there is room again.
                Err(Halt::Here(problem)) if problem.status == StatusCode::INSUFFICIENT_STORAGE => {}
                Err(halt) => return self.stop(halt),
            }
            if !self.lingers || !self.goes_on() {
                return;
            }
            spin_sdk::time::sleep(UNHEARD).await;
        }
    }
}

/// Notes how a round ended, and answers what it did.
async fn ended(mut link: Link, mut round: Round, halt: Option<Halt>) -> Result<Round, Problem> {
    let failure = match halt {
        None => {
            (link.failing_since, link.paused_ms) = (None, 0);
            (link.problem, link.advice, link.is_refused) = (None, None, false);
            link.save().await?;
            return Ok(round);
        }
        Some(Halt::Here(problem)) => return Err(problem),
        Some(Halt::Upstream(failure)) => failure,
    };
    // What is here needs no upstream to become visible.
    let has_finished = match blobs::finish(Instant::now() + FINISH).await {
        // When there is room again.
        Err(problem) if problem.status == StatusCode::INSUFFICIENT_STORAGE => false,
        finished => finished?,
    };
    // A link that comes and goes is used whenever it is there.
    if has_finished || round.pushed + round.pulled + round.fetched_bytes > 0 {
        (link.failing_since, link.paused_ms) = (None, 0);
    }
    link.failing_since.get_or_insert(node::now());
    let failing_for = Duration::from_millis(link.paused_ms);
    let pause = match &failure {
        Failure::Busy(pause) => *pause,
        _ => backoff::pause(failing_for, u64::from_le_bytes(random_bytes())),
    };
    link.paused_ms =
        link.paused_ms.saturating_add(pause.as_millis().try_into().unwrap_or(u64::MAX));
    // Whoever asks to be left alone for a moment expects the rest after it.
    round.more = matches!(failure, Failure::Busy(_));
    round.retry_after_seconds = Some(pause.as_secs_f64());
    round.problem = Some(failure.to_string());
    link.problem.clone_from(&round.problem);
    link.advice = Some(failure.advice().to_owned());
    link.is_refused = matches!(failure, Failure::Refused(..));
    link.save().await?;
    Ok(round)
}
