//! A node's rounds: the protocol's decisions are the real ones.

use anyhow::{Result, bail};
use hedgeschool_replication::{BatchOutcome, Checkpoint, NextStep, Push, WINDOW, backoff};
use rand::RngExt;
use std::time::Duration;

use crate::journal::Limits;
use crate::node::{self, Batch, Kind, Outcome, Request, Round};
use crate::time::{Time, of};
use crate::world::{Event, World};

impl World {
    /// A round begins.
    pub fn tick(&mut self, node: usize) {
        let Round { look, poll, .. } = self.nodes[node].round;
        self.nodes[node].round = Round { look: look + 1, poll: poll + 1, ..Round::default() };
        self.nodes[node].round.is_pulling = true;
        self.send(node, Kind::Greeting, self.sizes.pull);
    }

    /// An answer, or none.
    ///
    /// # Errors
    /// If an answer comes without a round.
    pub fn take(&mut self, request: Request) -> Result<()> {
        let node = request.node;
        match (request.kind, request.outcome) {
            (Kind::Greeting, Outcome::Pulled(position)) => {
                self.nodes[node].round.is_pulling = false;
                let head = self.nodes[node].head(self.recorded());
                let linger =
                    if self.is_detailed() { self.rules.linger } else { self.rules.calm_linger };
                let round = &mut self.nodes[node].round;
                // No disk is restored here: what the node above has came from this one.
                round.push = Some(Push::begin(position, head));
                round.deadline = self.now + linger;
                self.advance(node);
                self.poll(node);
            }
            (Kind::Greeting, _) => {
                self.nodes[node].round.is_pulling = false;
                self.nodes[node].round.is_pushed = true;
                self.halt(node, None);
            }
            (Kind::LongPoll(wait), Outcome::Pulled(_)) => {
                self.nodes[node].round.is_pulling = false;
                let is_early = self.now - request.sent < wait / 2;
                let pause = if is_early { self.rules.early_reply_backoff } else { 0 };
                let poll = self.nodes[node].round.poll;
                self.at(self.now + pause, Event::Poll(node, poll));
            }
            (Kind::LongPoll(_), _) => {
                self.nodes[node].round.is_pulling = false;
                self.halt(node, None);
            }
            (Kind::Batch(batch), outcome) => {
                self.nodes[node].round.underway -= 1;
                self.answered(node, &batch, outcome, self.now - request.sent)?;
            }
        }
        self.end(node);
        Ok(())
    }

    fn answered(&mut self, node: usize, batch: &Batch, outcome: Outcome, took: Time) -> Result<()> {
        let answer = match outcome {
            Outcome::Batch(answer) => answer,
            _ => BatchOutcome::Failed("the line is down".to_owned()),
        };
        let sender = &mut self.nodes[node];
        let Some(push) = &mut sender.round.push else { bail!("an answer without a round") };
        if sender.round.halt.is_some() && sender.round.is_pushed {
            return Ok(());
        }
        match push.record_outcome(&batch.range, answer) {
            NextStep::Continue => {
                let took = Duration::from_micros(took);
                sender.round.sizer.record_answer(batch.page.bytes, took);
                sender.relay.forget(push.acknowledged().through.sequence);
                self.advance(node);
            }
            NextStep::Stop { pause, .. } => {
                sender.round.is_pushed = true;
                self.halt(node, pause.map(of));
            }
        }
        Ok(())
    }

    /// Sends what there is, or makes an appointment for when there will be more.
    pub fn advance(&mut self, node: usize) {
        let round = &self.nodes[node].round;
        if round.push.is_none() || round.is_pushed {
            return;
        }
        while self.nodes[node].round.underway < WINDOW && self.now < self.nodes[node].round.deadline
        {
            let Some(batch) = self.next(node) else { break };
            self.nodes[node].round.underway += 1;
            let bytes = batch.bytes;
            self.send(node, Kind::Batch(Box::new(batch)), bytes);
        }
        let round = &mut self.nodes[node].round;
        if round.underway > 0 {
            return;
        }
        if self.now >= round.deadline || round.is_over {
            round.is_pushed = true;
            return self.end(node);
        }
        round.look += 1;
        let look = round.look;
        let at = self.next_look(node);
        self.at(at, Event::Look(node, look));
    }

    /// When there is something new, as far as that is known, or the round ends.
    fn next_look(&self, node: usize) -> Time {
        let deadline = self.nodes[node].round.deadline;
        let next = self.nodes[node].city.as_ref().map(|city| city.next_after(self.now));
        let Some(next) = next.filter(|next| *next <= self.recorded_until) else { return deadline };
        let looks = (next - self.now).div_ceil(self.rules.check_interval);
        deadline.min(self.now + looks * self.rules.check_interval)
    }

    /// Something came from below, which is to go on.
    pub fn wake(&mut self, node: usize) {
        let round = &mut self.nodes[node].round;
        if round.push.is_some() && !round.is_pushed && round.underway == 0 {
            round.look += 1;
            let (look, deadline) = (round.look, round.deadline);
            self.at((self.now + self.rules.check_interval).min(deadline), Event::Look(node, look));
        }
    }

    /// The next batch.
    fn next(&mut self, node: usize) -> Option<Batch> {
        let now = self.recorded();
        let head = self.nodes[node].head(now);
        loop {
            let read = self.nodes[node].round.push.as_mut()?.next_read(head)?;
            let adapted = u64::from(self.nodes[node].round.sizer.target_bytes());
            let bytes = if self.rules.adapts { adapted } else { self.rules.batch_bytes };
            let limits = Limits { entries: self.rules.batch_entries, bytes };
            let places = (read.after, read.from, read.until);
            let page = node::read(&self.nodes, node, places, now, limits, &self.sizes);
            let push = self.nodes[node].round.push.as_mut()?;
            if page.content.entries() == 0 {
                push.record_scanned(&read, read.until);
                continue;
            }
            let through = Checkpoint { sequence: page.through, token: String::new() };
            let range = push.record_sent(&read, through).ok()?;
            let bytes = self.sizes.batch + page.bytes;
            return Some(Batch { range, page, bytes });
        }
    }

    /// Asks for news, and lets the node above wait for them.
    pub fn poll(&mut self, node: usize) {
        if !self.is_detailed() {
            return;
        }
        let round = &mut self.nodes[node].round;
        if round.is_over || round.is_pulling || self.now >= round.deadline {
            return self.end(node);
        }
        round.is_pulling = true;
        let wait = self.rules.long_poll_wait.min(round.deadline - self.now);
        self.send(node, Kind::LongPoll(wait), self.sizes.pull);
    }

    fn halt(&mut self, node: usize, pause: Option<Time>) {
        let round = &mut self.nodes[node].round;
        round.is_over = true;
        round.halt.get_or_insert(pause);
        if round.underway == 0 && round.push.is_some() && !round.is_pushed {
            self.advance(node);
        }
    }

    /// Ends a round of which nothing is left, and makes an appointment for the next one.
    fn end(&mut self, node: usize) {
        let round = &mut self.nodes[node].round;
        if !round.is_pushed || round.is_pulling || round.underway > 0 {
            return;
        }
        let halt = round.halt;
        // Once.
        let (look, poll) = (round.look + 1, round.poll + 1);
        *round = Round { look, poll, ..Round::default() };
        let Some(asked) = halt else {
            self.nodes[node].failing_since = None;
            return self.at(self.now, Event::Tick(node));
        };
        let since = *self.nodes[node].failing_since.get_or_insert(self.now);
        let failing_for = Duration::from_micros(self.now - since);
        let pause = asked
            .unwrap_or_else(|| of(backoff::pause_after_failure(failing_for, self.random.random())));
        let is_asked = asked.is_some() && self.rules.comes_back_at_once;
        let least = if is_asked { 0 } else { self.rules.interval };
        self.at(self.now + pause.max(least), Event::Tick(node));
    }
}
