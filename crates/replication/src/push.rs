use std::collections::VecDeque;
use std::time::Duration;

use crate::{Gap, Lane, Leg, Place, Position, Span};

/// How many batches may be on their way at once: while one is applied, the next one travels.
pub const WINDOW: usize = 2;
/// How many batches are remembered: an upstream may answer one with where a later one led.
const REMEMBERED: usize = 2 * WINDOW;
/// A backlog of more entries than this lets fresh ones pass.
pub const BACKLOG_ENTRIES: u64 = 2_000;
/// So many of the last sequences before a round pass with them: what was recorded while the link
/// was up again and the node did not know yet.
pub const FRESH_BEFORE: u64 = 100;

/// A node's push of one journal to its upstream, for the length of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// What the upstream has applied.
    acknowledged: Position,
    /// The same, as if all that is on its way had arrived.
    sent: Position,
    /// Where the last batches led, the newest last.
    led_to: VecDeque<Position>,
    /// How many of them are on their way.
    underway: usize,
    /// Where the upstream was said to be, if the batches on their way do not lead from there: what
    /// is sent next waits until all of them are answered.
    adrift: Option<Position>,
    /// Where the fresh lane begins, if there is one.
    fresh_from: Option<u64>,
    /// Fresh entries and backlog take turns.
    last: Lane,
    /// How far each lane has been looked through without finding anything for the upstream.
    looked: [u64; 2],
}

/// Entries to send, if the journal has any there that are for the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// As what they travel.
    pub lane: Lane,
    /// The sequence that they follow: nothing between it and `from` is for the upstream.
    pub after: u64,
    /// The sequence after which to look for them.
    pub from: u64,
    /// The last one's sequence at most.
    pub until: u64,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The upstream applied it, and is here now.
    Applied(Position),
    /// The upstream is not where the batch begins, but here: it lost some entries, or a batch was
    /// lost, or others came between.
    Gap(Position),
    /// The upstream is behind with its work and asks for a pause.
    Busy(Duration),
    /// The upstream will never take it: says why.
    Refused(String),
    /// No answer, or one that says nothing of the batch.
    Failed(String),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Go on with [`Push::want`].
    Continue,
    /// End the round.
    Stop {
        /// How long the upstream wants to be left alone.
        pause: Option<Duration>,
        /// What to tell the operator.
        reason: String,
    },
}

impl Push {
    /// Begins a round, with the upstream's own word for how far it is, if it has that from this
    /// journal ([`crate::recognise::Told::is_of`]), or from the beginning. The journal ends at
    /// `head`.
    pub fn begin(upstream: Position, head: u64) -> Self {
        let backlog = head.saturating_sub(upstream.through.sequence);
        let fresh_from = match &upstream.fresh {
            Some(fresh) => Some(fresh.after),
            None => (backlog > BACKLOG_ENTRIES).then(|| head - FRESH_BEFORE),
        };
        let sent = upstream.clone();
        Self {
            acknowledged: upstream,
            sent,
            led_to: VecDeque::new(),
            underway: 0,
            adrift: None,
            fresh_from,
            last: Lane::Fresh,
            looked: [0; 2],
        }
    }

    /// What the upstream has applied.
    pub fn acknowledged(&self) -> &Position {
        &self.acknowledged
    }

    /// Where the upstream will be when it has all that is on its way.
    pub fn before(&self) -> &Position {
        &self.sent
    }

    /// What to send next, if the journal has anything, up to `head`, that is neither on its way
    /// nor known to be none of the upstream's business.
    pub fn want(&mut self, head: u64) -> Option<Want> {
        if self.adrift.is_some() {
            return None;
        }
        loop {
            let want = self.lane(head)?;
            if want.from < want.until {
                return Some(want);
            }
            // There is nothing fresh, or no backlog before it.
            self.last = want.lane;
            if want.lane == Lane::Backlog && self.fresh_from.take().is_none() {
                return None;
            }
        }
    }

    /// Whose turn it is, and what there may be of it.
    fn lane(&self, head: u64) -> Option<Want> {
        let after = self.sent.through.sequence;
        let Some(from) = self.fresh_from.filter(|from| after < *from) else {
            return (after < head).then(|| self.wanted(Lane::Backlog, after, head));
        };
        let fresh = self.sent.fresh.as_ref().map_or(from, |fresh| fresh.through.sequence);
        if fresh < head && self.last == Lane::Backlog {
            return Some(self.wanted(Lane::Fresh, fresh, head));
        }
        Some(self.wanted(Lane::Backlog, after, from))
    }

    fn wanted(&self, lane: Lane, after: u64, until: u64) -> Want {
        let [backlog, fresh] = self.looked;
        let looked = if lane == Lane::Backlog { backlog } else { fresh };
        Want { lane, after, from: after.max(looked), until }
    }

    /// Takes note that of what was wanted nothing is for the upstream, as far as the journal was
    /// looked through.
    pub fn nothing(&mut self, want: &Want, through: u64) {
        let [backlog, fresh] = &mut self.looked;
        let looked = if want.lane == Lane::Backlog { backlog } else { fresh };
        *looked = through.max(want.from + 1);
    }

    /// How far the backlog has been looked through without finding anything for the upstream.
    pub fn looked(&self) -> u64 {
        let [backlog, _] = self.looked;
        backlog
    }

    /// Takes note that between what the upstream has and this sequence nothing is for it: an
    /// earlier round has looked.
    pub fn skip(&mut self, through: u64) {
        let [backlog, _] = &mut self.looked;
        *backlog = through.max(*backlog);
    }

    /// Takes note that of what was wanted the entries through a place are on their way.
    ///
    /// # Errors
    /// [`Gap`]: they are not what was wanted.
    pub fn sent(&mut self, want: &Want, through: Place) -> Result<Leg, Gap> {
        let span = Span { after: want.after, through };
        let leg = Leg { before: self.sent.clone(), lane: want.lane, span };
        self.sent = leg.leads_to()?;
        self.last = want.lane;
        self.underway += 1;
        self.led_to.push_back(self.sent.clone());
        self.led_to.drain(..self.led_to.len().saturating_sub(REMEMBERED));
        Ok(leg)
    }

    /// Where the upstream is, if none of the last batches led there: another round of this node
    /// was faster, or another copy of its disk.
    pub fn unexpected<'a>(&self, answer: &'a Answer) -> Option<&'a Position> {
        match answer {
            Answer::Applied(position) | Answer::Gap(position) => {
                Some(position).filter(|at| **at != self.acknowledged && !self.led_to.contains(at))
            }
            _ => None,
        }
    }

    /// Takes the answer to a batch. After anything but [`Next::Continue`], the others on their way
    /// are to be waited for, and their answers do not matter: the next round asks the upstream.
    /// One that [is unexpected](Push::unexpected) must have been recognised before.
    pub fn answered(&mut self, leg: &Leg, answer: Answer) -> Next {
        self.underway = self.underway.saturating_sub(1);
        let is_expected = self.unexpected(&answer).is_none();
        let position = match answer {
            Answer::Applied(position) if position.has(leg.span.through.sequence) => position,
            Answer::Applied(position) => {
                return stop(format!(
                    "the upstream says it applied a batch, and yet stands at {}",
                    position.through.sequence
                ));
            }
            Answer::Gap(position) if position == leg.before => {
                return stop("the upstream is confused about what it has".to_owned());
            }
            Answer::Gap(position) => {
                self.adrift = Some(position);
                return self.resume();
            }
            Answer::Busy(pause) => {
                let reason = "the upstream is busy".to_owned();
                return Next::Stop { pause: Some(pause), reason };
            }
            Answer::Refused(reason) | Answer::Failed(reason) => return stop(reason),
        };
        if self.adrift.is_some() || !is_expected {
            self.adrift = Some(position);
            return self.resume();
        }
        if position.through.sequence >= self.acknowledged.through.sequence {
            self.acknowledged = position;
        }
        Next::Continue
    }

    /// Goes on from where the upstream is, if nothing is on its way any more.
    fn resume(&mut self) -> Next {
        if self.underway == 0
            && let Some(position) = self.adrift.take()
        {
            if let Some(fresh) = &position.fresh {
                self.fresh_from = Some(fresh.after);
            }
            // What lies behind is wanted again.
            self.looked = [0; 2];
            self.led_to.clear();
            self.sent = position.clone();
            self.acknowledged = position;
        }
        Next::Continue
    }
}

fn stop(reason: String) -> Next {
    Next::Stop { pause: None, reason }
}
