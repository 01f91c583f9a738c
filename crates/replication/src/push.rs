use std::collections::VecDeque;
use std::time::Duration;

use crate::batch_range::BatchRange;
use crate::position::{Checkpoint, Gap, Lane, Position, Span};

/// How many batches may be on their way at once: while one is applied, the next one travels.
pub const WINDOW: usize = 2;
/// How many batches are remembered: an upstream may answer one with where a later one led.
const REMEMBERED_MAX: usize = 2 * WINDOW;
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
    /// The positions at which the last batches end, the newest last.
    ends: VecDeque<Position>,
    /// How many of them are on their way.
    in_flight: usize,
    /// Where the upstream was said to be, if the batches on their way do not lead from there: what
    /// is sent next waits until all of them are answered.
    adrift: Option<Position>,
    /// Where the fresh lane begins, if there is one.
    fresh_from: Option<u64>,
    /// Fresh entries and backlog take turns.
    last: Lane,
    /// Scan watermarks, of the backlog and of what is fresh: through which sequence each lane has
    /// been read without finding anything for the upstream.
    scanned: [u64; 2],
}

/// Which part of the journal to read next, for entries that are for the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRange {
    /// As what they travel.
    pub lane: Lane,
    /// The sequence that they follow: nothing between it and `from` is for the upstream.
    pub after: u64,
    /// The sequence after which to read.
    pub from: u64,
    /// The last one's sequence at most.
    pub until: u64,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
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
pub enum NextStep {
    /// Go on with [`Push::next_read`].
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
    /// journal ([`crate::tokens::IssuedTokens::issued_all_of`]), or from the beginning. The journal
    /// ends at `head`.
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
            ends: VecDeque::new(),
            in_flight: 0,
            adrift: None,
            fresh_from,
            last: Lane::Fresh,
            scanned: [0; 2],
        }
    }

    /// What the upstream has applied.
    pub fn acknowledged(&self) -> &Position {
        &self.acknowledged
    }

    /// Where the upstream will be when it has all that is on its way.
    pub fn sent_position(&self) -> &Position {
        &self.sent
    }

    /// What to read and send next, if the journal has anything, up to `head`, that is neither on
    /// its way nor known to be none of the upstream's business.
    pub fn next_read(&mut self, head: u64) -> Option<ReadRange> {
        if self.adrift.is_some() {
            return None;
        }
        loop {
            let read = self.choose_lane(head)?;
            if read.from < read.until {
                return Some(read);
            }
            // There is nothing fresh, or no backlog before it.
            self.last = read.lane;
            if read.lane == Lane::Backlog && self.fresh_from.take().is_none() {
                return None;
            }
        }
    }

    /// Whose turn it is, and what there may be of it.
    fn choose_lane(&self, head: u64) -> Option<ReadRange> {
        let after = self.sent.through.sequence;
        let Some(from) = self.fresh_from.filter(|from| after < *from) else {
            return (after < head).then(|| self.read_range(Lane::Backlog, after, head));
        };
        let fresh = self.sent.fresh.as_ref().map_or(from, |fresh| fresh.through.sequence);
        if fresh < head && self.last == Lane::Backlog {
            return Some(self.read_range(Lane::Fresh, fresh, head));
        }
        Some(self.read_range(Lane::Backlog, after, from))
    }

    fn read_range(&self, lane: Lane, after: u64, until: u64) -> ReadRange {
        let [backlog, fresh] = self.scanned;
        let scanned = if lane == Lane::Backlog { backlog } else { fresh };
        ReadRange { lane, after, from: after.max(scanned), until }
    }

    /// Takes note that nothing in the range is for the upstream, through the sequence that was
    /// read.
    pub fn record_scanned(&mut self, read: &ReadRange, through: u64) {
        let [backlog, fresh] = &mut self.scanned;
        let scanned = if read.lane == Lane::Backlog { backlog } else { fresh };
        *scanned = through.max(read.from + 1);
    }

    /// The backlog's scan watermark: through it, nothing past what was sent is for the upstream.
    pub fn scan_watermark(&self) -> u64 {
        let [backlog, _] = self.scanned;
        backlog
    }

    /// Takes note that between what the upstream has and this sequence nothing is for it: an
    /// earlier round has read it.
    pub fn raise_scan_watermark(&mut self, through: u64) {
        let [backlog, _] = &mut self.scanned;
        *backlog = through.max(*backlog);
    }

    /// Takes note that of a range the entries through a checkpoint are on their way.
    ///
    /// # Errors
    /// [`Gap`] if they do not follow what was sent before.
    pub fn record_sent(
        &mut self,
        read: &ReadRange,
        through: Checkpoint,
    ) -> Result<BatchRange, Gap> {
        let span = Span { after: read.after, through };
        let range = BatchRange { before: self.sent.clone(), lane: read.lane, span };
        self.sent = range.end_position()?;
        self.last = read.lane;
        self.in_flight += 1;
        self.ends.push_back(self.sent.clone());
        self.ends.drain(..self.ends.len().saturating_sub(REMEMBERED_MAX));
        Ok(range)
    }

    /// Where the upstream is, if none of the last batches ends there: another round of this node
    /// was faster, or another copy of its disk.
    pub fn unexpected_position<'a>(&self, outcome: &'a BatchOutcome) -> Option<&'a Position> {
        match outcome {
            BatchOutcome::Applied(position) | BatchOutcome::Gap(position) => {
                Some(position).filter(|at| **at != self.acknowledged && !self.ends.contains(at))
            }
            _ => None,
        }
    }

    /// Takes the answer to a batch. After anything but [`NextStep::Continue`], the others on their
    /// way are to be waited for, and their answers do not matter: the next round asks the upstream.
    /// One that [is unexpected](Push::unexpected_position) must have been recognised before.
    pub fn record_outcome(&mut self, range: &BatchRange, outcome: BatchOutcome) -> NextStep {
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_expected = self.unexpected_position(&outcome).is_none();
        let position = match outcome {
            BatchOutcome::Applied(position) if position.includes(range.span.through.sequence) => {
                position
            }
            BatchOutcome::Applied(position) => {
                return stop_round(format!(
                    "the upstream says it applied a batch, and yet stands at {}",
                    position.through.sequence
                ));
            }
            BatchOutcome::Gap(position) if position == range.before => {
                return stop_round("the upstream is confused about what it has".to_owned());
            }
            BatchOutcome::Gap(position) => {
                self.adrift = Some(position);
                return self.resume_where_upstream_is();
            }
            BatchOutcome::Busy(pause) => {
                let reason = "the upstream is busy".to_owned();
                return NextStep::Stop { pause: Some(pause), reason };
            }
            BatchOutcome::Refused(reason) | BatchOutcome::Failed(reason) => {
                return stop_round(reason);
            }
        };
        if self.adrift.is_some() || !is_expected {
            self.adrift = Some(position);
            return self.resume_where_upstream_is();
        }
        if position.through.sequence >= self.acknowledged.through.sequence {
            self.acknowledged = position;
        }
        NextStep::Continue
    }

    /// Goes on from where the upstream is, if nothing is on its way any more.
    fn resume_where_upstream_is(&mut self) -> NextStep {
        if self.in_flight == 0
            && let Some(position) = self.adrift.take()
        {
            if let Some(fresh) = &position.fresh {
                self.fresh_from = Some(fresh.after);
            }
            // What lies behind is wanted again.
            self.scanned = [0; 2];
            self.ends.clear();
            self.sent = position.clone();
            self.acknowledged = position;
        }
        NextStep::Continue
    }
}

fn stop_round(reason: String) -> NextStep {
    NextStep::Stop { pause: None, reason }
}
