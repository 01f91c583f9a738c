//! Events in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use anyhow::Result;
use rand::rngs::StdRng;

use crate::audit::Audit;
use crate::meter::Series;
use crate::node::{Id, Kind, Node, Outcome, Request, Server};
use crate::requests::Requests;
use crate::settings::Rules;
use crate::sizes::Sizes;
use crate::time::Time;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node's round begins.
    Tick(usize),
    /// It looks for news of its own, or asks for the other's.
    Look(usize, u32),
    Poll(usize, u32),
    /// A request begins to arrive, all of it has, the work on it is done, it has waited for news.
    Arrive(Id),
    Whole(Id),
    Worked(Id),
    Waited(Id),
    /// A batch has waited long enough for one sent before.
    Unpark(Id),
    /// The answer is there, or will not come any more.
    Answer(Id),
    Late(Id),
}

struct Due {
    at: Time,
    number: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A fleet at a moment.
pub struct World {
    pub now: Time,
    pub rules: Rules,
    pub sizes: Sizes,
    pub random: StdRng,
    /// The centre is the first one.
    pub nodes: Vec<Node>,
    /// Of the nodes that have others below them.
    pub servers: Vec<Server>,
    pub requests: Requests,
    /// From here on rounds and pulls are simulated one by one.
    pub detail_from: Time,
    /// Nothing is recorded any more.
    pub recorded_until: Time,
    pub audit: Audit,
    /// What the centre did, in long spans and in short ones.
    pub coarse: Series,
    pub fine: Series,
    pub events: u64,
    due: BinaryHeap<Reverse<Due>>,
    number: u64,
}

/// What a world is made of.
pub struct Parts {
    pub from: Time,
    pub rules: Rules,
    pub sizes: Sizes,
    pub random: StdRng,
    pub nodes: Vec<Node>,
    pub servers: Vec<Server>,
    pub detail_from: Time,
    pub recorded_until: Time,
    pub audit: Audit,
    pub coarse: Series,
    pub fine: Series,
}

impl World {
    pub fn new(parts: Parts) -> Self {
        let Parts { from, rules, sizes, random, nodes, servers, .. } = parts;
        Self {
            now: from,
            rules,
            sizes,
            random,
            nodes,
            servers,
            requests: Requests::default(),
            detail_from: parts.detail_from,
            recorded_until: parts.recorded_until,
            audit: parts.audit,
            coarse: parts.coarse,
            fine: parts.fine,
            events: 0,
            due: BinaryHeap::new(),
            number: 0,
        }
    }

    /// Makes an appointment.
    pub fn at(&mut self, at: Time, event: Event) {
        self.number += 1;
        self.due.push(Reverse(Due { at: at.max(self.now), number: self.number, event }));
    }

    /// Goes on until a moment.
    ///
    /// # Errors
    /// If something that is due breaks a rule of the protocol.
    pub fn run(&mut self, until: Time) -> Result<()> {
        while let Some(Reverse(next)) = self.due.peek() {
            if next.at > until {
                break;
            }
            let Some(Reverse(Due { at, event, .. })) = self.due.pop() else { break };
            self.now = at;
            self.events += 1;
            self.handle(event)?;
        }
        self.now = until;
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Tick(node) => self.tick(node),
            Event::Look(node, look) if self.nodes[node].round.look == look => self.advance(node),
            Event::Poll(node, poll) if self.nodes[node].round.poll == poll => self.poll(node),
            Event::Look(..) | Event::Poll(..) => {}
            Event::Arrive(id) => self.arrive(id)?,
            Event::Whole(id) => self.whole(id)?,
            Event::Worked(id) => self.worked(id)?,
            Event::Waited(id) => self.waited(id)?,
            Event::Unpark(id) => self.unpark(id)?,
            Event::Answer(id) => self.answer(id)?,
            Event::Late(id) => self.late(id)?,
        }
        Ok(())
    }

    /// The moment as far as recording is concerned.
    pub fn recorded(&self) -> Time {
        self.now.min(self.recorded_until)
    }

    /// Whether everything is simulated one by one.
    pub fn is_detailed(&self) -> bool {
        self.now >= self.detail_from
    }

    /// Sends a request to the node above.
    pub fn send(&mut self, node: usize, kind: Kind, bytes: u64) {
        let (now, answer) = (self.now, self.rules.request_timeout);
        let patience = answer + if let Kind::LongPoll(wait) = kind { wait } else { 0 };
        let sender = &mut self.nodes[node];
        let is_down = sender.link.was_down(now, now);
        let whole_at = if is_down { now } else { sender.link.arrival(now, bytes) };
        sender.bytes_up += bytes;
        let begins_at = whole_at.min(now + sender.link.quality.delay);
        let is_large = whole_at - begins_at > crate::time::SECOND;
        let upstream = sender.upstream;
        let request = Request {
            node,
            kind,
            sent: now,
            whole_at,
            answered_at: 0,
            outcome: Outcome::Failed,
            is_abandoned: false,
            has_place: false,
            has_waited: false,
            is_arriving: false,
            is_outside: false,
        };
        let id = self.requests.add(request);
        self.count(upstream, |bin| bin.bytes_up += bytes);
        if is_down {
            return self.at(now + crate::link::REFUSED, Event::Late(id));
        }
        if self.is_detailed() || is_large {
            self.at(now + patience, Event::Late(id));
        }
        // What is short arrives all at once.
        let short = whole_at - begins_at < 10 * crate::time::MS;
        self.at(if short { whole_at } else { begins_at }, Event::Arrive(id));
    }

    /// Whether the line has failed a request since it was sent, or its answer since it was given.
    pub fn is_lost(&mut self, id: Id, since: impl Fn(&Request) -> Time) -> bool {
        let Some(request) = self.requests.get(id) else { return false };
        let (node, since) = (request.node, since(request));
        self.nodes[node].link.was_down(since, self.now)
    }

    /// Its sender finds out in its own time.
    pub fn lose(&mut self, id: Id) {
        let Some(request) = self.requests.get(id) else { return };
        if request.is_abandoned {
            self.requests.remove(id);
            return;
        }
        let at = request.sent + self.rules.request_timeout;
        request.outcome = Outcome::Failed;
        request.answered_at = self.now;
        self.at(at, Event::Late(id));
    }

    fn answer(&mut self, id: Id) -> Result<()> {
        if self.is_lost(id, |request| request.answered_at) {
            self.lose(id);
            return Ok(());
        }
        match self.requests.remove(id) {
            Some(request) if !request.is_abandoned => self.take(request),
            _ => Ok(()),
        }
    }

    /// Nobody waits for the answer any more.
    fn late(&mut self, id: Id) -> Result<()> {
        let Some(request) = self.requests.get(id) else { return Ok(()) };
        if request.is_abandoned {
            return Ok(());
        }
        // One that is still inside leaves when it is done.
        let is_lost = request.answered_at > 0 && matches!(request.outcome, Outcome::Failed);
        let is_refused = request.whole_at == request.sent;
        if is_lost || is_refused {
            let request = self.requests.remove(id);
            return request.map_or(Ok(()), |request| self.take(request));
        }
        request.is_abandoned = true;
        let (is_arriving, node) = (request.is_arriving, request.node);
        let abandoned = Request { outcome: Outcome::Failed, ..request.clone() };
        if is_arriving {
            // Its connection is closed.
            self.cancel(id);
            self.leave(self.nodes[node].upstream, id)?;
            self.requests.remove(id);
        }
        self.take(abandoned)
    }

    /// What of a batch is still to be sent is not.
    pub fn cancel(&mut self, id: Id) {
        let now = self.now;
        let Some(request) = self.requests.get(id) else { return };
        if let Kind::Batch(batch) = &request.kind {
            let link = &mut self.nodes[request.node].link;
            link.cancel(now, batch.bytes, request.whole_at);
        }
    }

    /// Counts something at the centre.
    pub fn count(&mut self, server: usize, what: impl Fn(&mut crate::meter::Bin)) {
        if server > 0 {
            return;
        }
        let now = self.now;
        [&mut self.coarse, &mut self.fine].into_iter().filter_map(|s| s.at(now)).for_each(what);
    }
}
