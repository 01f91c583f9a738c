//! The node above at work.

use anyhow::Result;
use hedgeschool_replication::{Admission, BatchOutcome, Position, timing};
use std::time::Duration;

use crate::node::{Id, Kind, Outcome, Request};
use crate::time::{SECOND, Time, of};
use crate::world::{Event, World};

impl World {
    fn server_of(&mut self, id: Id) -> Option<usize> {
        let node = self.requests.get(id)?.node;
        Some(self.nodes[node].upstream)
    }

    /// The head of a request is there.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn arrive(&mut self, id: Id) -> Result<()> {
        if self.is_lost(id, |request| request.sent) {
            self.lose(id);
            return Ok(());
        }
        let Some(at) = self.server_of(id) else { return Ok(()) };
        let server = &self.servers[at];
        let requests = server.inside + server.queue.len() + 1;
        self.count(at, |bin| bin.requests_most = bin.requests_most.max(requests));
        let server = &mut self.servers[at];
        if server.inside < server.capacity.inside_max {
            return self.enter(at, id);
        }
        if server.queue.len() < server.capacity.queue_max {
            server.queue.push_back(id);
            server.queue_most = server.queue_most.max(server.queue.len());
            return Ok(());
        }
        server.inside += 1;
        self.refuse(at, id)
    }

    fn enter(&mut self, at: usize, id: Id) -> Result<()> {
        self.servers[at].inside += 1;
        let pull = self.servers[at].capacity.pull;
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        match &request.kind {
            Kind::Greeting => self.work(at, id, pull),
            Kind::LongPoll(_) => {
                let server = &mut self.servers[at];
                request.has_place = server.waiting < server.capacity.waiting_max;
                server.waiting += usize::from(request.has_place);
                self.work(at, id, pull)
            }
            Kind::Batch(_) => {
                if self.takes_place(at, id) {
                    self.await_whole(id)
                } else {
                    self.refuse(at, id)
                }
            }
        }
    }

    fn await_whole(&mut self, id: Id) -> Result<()> {
        let whole_at = self.requests.get(id).map_or(0, |request| request.whole_at);
        if whole_at <= self.now {
            return self.whole(id);
        }
        if let Some(request) = self.requests.get(id) {
            request.is_arriving = true;
        }
        self.at(whole_at, Event::Whole(id));
        Ok(())
    }

    /// A place among the batches that are applied.
    fn takes_place(&mut self, at: usize, id: Id) -> bool {
        let Some(request) = self.requests.get(id) else { return false };
        let Kind::Batch(batch) = &request.kind else { return false };
        let server = &mut self.servers[at];
        let bytes = server.applying_bytes + batch.bytes;
        let is_free = server.applying < self.rules.applying_max
            && (server.applying == 0 || bytes <= server.capacity.applying_bytes);
        if is_free {
            server.applying += 1;
            server.applying_bytes = bytes;
            request.has_place = true;
        }
        is_free
    }

    fn refuse(&mut self, at: usize, id: Id) -> Result<()> {
        self.cancel(id);
        let pause = Duration::from_micros(self.rules.busy_pause);
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        request.outcome = Outcome::Batch(BatchOutcome::Busy(pause));
        self.count(at, |bin| bin.refused += 1);
        let cost = self.servers[at].capacity.batch / 2;
        self.work(at, id, cost)
    }

    /// All of a batch is there.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn whole(&mut self, id: Id) -> Result<()> {
        let Some(at) = self.server_of(id) else { return Ok(()) };
        if self.is_lost(id, |request| request.sent) {
            self.leave(at, id)?;
            self.lose(id);
            return Ok(());
        }
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        request.is_arriving = false;
        let Kind::Batch(batch) = &request.kind else { return Ok(()) };
        let entries = batch.page.content.entries();
        let capacity = &self.servers[at].capacity;
        let applying = entries as f64 / capacity.entries_per_second * SECOND as f64;
        let cost = capacity.batch + applying as Time;
        self.count(at, |bin| {
            bin.entries += entries;
            bin.batches += 1;
        });
        self.work(at, id, cost)
    }

    /// One thing after the other.
    fn work(&mut self, at: usize, id: Id, cost: Time) -> Result<()> {
        let is_detailed = self.is_detailed();
        let server = &mut self.servers[at];
        server.worked += cost;
        let calm = if is_detailed { 0.0 } else { server.capacity.calm_share };
        let takes = cost as f64 / (1.0 - calm);
        server.free = server.free.max(self.now) + takes as Time;
        let free = server.free;
        self.count(at, |bin| bin.busy += cost);
        let is_batch = matches!(self.requests.get(id), Some(Request { kind: Kind::Batch(_), .. }));
        if !is_detailed && is_batch && free - self.now < crate::time::MS {
            // Nobody could tell.
            return self.worked(id);
        }
        self.at(free, Event::Worked(id));
        Ok(())
    }

    /// The work on a request is done.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn worked(&mut self, id: Id) -> Result<()> {
        let now = self.now;
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        if let (Kind::LongPoll(wait), true, false) =
            (&request.kind, request.has_place, request.has_waited)
        {
            let wait = *wait;
            request.is_outside = self.rules.waits_outside;
            let (node, is_outside) = (request.node, request.is_outside);
            self.at(now + wait, Event::Waited(id));
            return if is_outside { self.step_out(self.nodes[node].upstream) } else { Ok(()) };
        }
        let is_refused = matches!(request.outcome, Outcome::Batch(_));
        let answer = match &request.kind {
            Kind::Batch(_) if !is_refused => return self.apply(id),
            Kind::Batch(_) => None,
            Kind::Greeting | Kind::LongPoll(_) => {
                Some(Outcome::Pulled(self.nodes[request.node].applied.clone()))
            }
        };
        self.respond(id, answer)
    }

    /// There were no news in all the time.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn waited(&mut self, id: Id) -> Result<()> {
        let Some(at) = self.server_of(id) else { return Ok(()) };
        let server = &self.servers[at];
        let (pull, check) = (server.capacity.pull, server.capacity.check);
        let each = if self.rules.waits_outside {
            timing::check_interval(server.waiting)
        } else {
            timing::CHECK_INTERVAL
        };
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        request.has_waited = true;
        let Kind::LongPoll(wait) = request.kind else { return Ok(()) };
        self.work(at, id, pull + check * (wait / of(each)))
    }

    /// Applies a batch as the protocol says.
    fn apply(&mut self, id: Id) -> Result<()> {
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        let (node, Kind::Batch(batch)) = (request.node, &request.kind) else { return Ok(()) };
        let applied = self.nodes[node].applied.clone();
        let answer = match batch.range.admission_at(&applied) {
            Admission::OutOfOrder if !request.has_waited => {
                request.has_waited = true;
                let until = self.now + self.rules.predecessor_wait;
                self.nodes[node].parked.push(id);
                self.at(until, Event::Unpark(id));
                return Ok(());
            }
            Admission::OutOfOrder | Admission::Conflict => BatchOutcome::Gap(applied),
            Admission::Duplicate => BatchOutcome::Applied(applied),
            Admission::Apply => {
                let next = batch.range.end_position()?;
                let pieces = batch.page.pieces.clone();
                self.nodes[node].applied = next.clone();
                self.received(node, &pieces)?;
                self.unpark_next(node, &next);
                BatchOutcome::Applied(next)
            }
        };
        self.respond(id, Some(Outcome::Batch(answer)))
    }

    /// A batch that waited for this position goes on.
    fn unpark_next(&mut self, node: usize, position: &Position) {
        for id in std::mem::take(&mut self.nodes[node].parked) {
            let waits_on = self.requests.get(id).is_some_and(|request| match &request.kind {
                Kind::Batch(batch) => batch.range.before != *position,
                _ => false,
            });
            if waits_on {
                self.nodes[node].parked.push(id);
            } else {
                self.at(self.now, Event::Worked(id));
            }
        }
    }

    /// A batch has waited long enough.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn unpark(&mut self, id: Id) -> Result<()> {
        let Some(node) = self.requests.get(id).map(|request| request.node) else { return Ok(()) };
        let parked = &mut self.nodes[node].parked;
        let Some(place) = parked.iter().position(|other| *other == id) else { return Ok(()) };
        parked.remove(place);
        self.apply(id)
    }

    fn respond(&mut self, id: Id, outcome: Option<Outcome>) -> Result<()> {
        let Some(at) = self.server_of(id) else { return Ok(()) };
        let now = self.now;
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        if let Some(outcome) = outcome {
            request.outcome = outcome;
        }
        request.answered_at = now;
        let is_pull = !matches!(request.kind, Kind::Batch(_));
        let bytes = if is_pull { self.sizes.pulled } else { self.sizes.applied };
        let node = request.node;
        self.nodes[node].bytes_down += bytes;
        self.count(at, |bin| {
            bin.bytes_down += bytes;
            bin.pulls += u64::from(is_pull);
        });
        let arrives = self.nodes[node].link.answer(now, bytes);
        self.at(arrives, Event::Answer(id));
        self.leave(at, id)
    }

    /// A request is done: its places are others'.
    ///
    /// # Errors
    /// If what comes of it breaks a rule of the protocol.
    pub fn leave(&mut self, at: usize, id: Id) -> Result<()> {
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        if request.has_place {
            request.has_place = false;
            let server = &mut self.servers[at];
            match &request.kind {
                Kind::Batch(batch) => {
                    server.applying -= 1;
                    server.applying_bytes -= batch.bytes;
                }
                _ => server.waiting -= 1,
            }
        }
        if request.is_outside { Ok(()) } else { self.step_out(at) }
    }

    /// One is inside no more: the next one is.
    fn step_out(&mut self, at: usize) -> Result<()> {
        self.servers[at].inside -= 1;
        while let Some(next) = self.servers[at].queue.pop_front() {
            // Who gives up leaves the queue.
            match self.requests.get(next) {
                Some(request) if !request.is_abandoned => return self.enter(at, next),
                _ => self.requests.remove(next),
            };
        }
        Ok(())
    }
}
