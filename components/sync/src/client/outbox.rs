//! Sending this node's journals to the node above.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hedgeschool_replication::timing::REQUEST_TIMEOUT;
use hedgeschool_replication::tokens::IssuedTokens;
use hedgeschool_replication::wire::{
    Applied, BATCH_ENTRIES_MAX, Batch, Cursor, ENTRIES_PATH, Entry,
};
use hedgeschool_replication::{
    BatchOutcome, BatchRange, BatchSizer, Checkpoint, NextStep, Position, Protocol, Push,
    ReadRange, WINDOW,
};
use hedgeschool_web::StatusCode;

use crate::checkpoint::upstream_state::{JournalProgress, UpstreamPeer};
use crate::checkpoint::{
    UpstreamCursor, UpstreamState, fingerprint, scan_start, upstream_audience,
};
use crate::client::exchange::AppliedJournal;
use crate::client::failure::{Answer, Reached, UpstreamFailure};
use crate::client::upstream::Upstream;
use crate::error::Result;
use crate::store::{Audience, Journal, ScanWatermark, issued_tokens, traces};

/// How many sequences further a journal must have been scanned in vain for that to be recorded:
/// what one read takes in costs the next round one read.
const RECORDED_EVERY: u64 = BATCH_ENTRIES_MAX as u64;

/// Whom tokens of what goes up are issued to: the node above, whichever it is.
const ABOVE: &str = "";

/// Why a round ends when an upstream is not the one that it began with.
const RESTORED: &str = "the upstream's disk was restored meanwhile";
/// Why it ends when the upstream has something from another copy of the disk here.
const LATE: &str =
    "something that this node had sent before its disk was restored arrived meanwhile";

/// Why another epoch begins.
const ANOTHER: &str = "the node above knows another journal; the disk was restored or cloned";
const UPGRADED: &str = "the node above was upgraded, and takes what was kept from it";

/// One journal on its way up.
pub struct Outbox {
    journal: Journal,
    epoch: String,
    push: Push,
    sizer: BatchSizer,
    /// Through which sequence of the journal it is recorded that it was scanned in vain.
    recorded: u64,
    audience: Audience,
    /// The epoch of the upstream's journal: what came from there stays here.
    theirs: String,
    /// The epoch has just begun.
    is_renewed: bool,
    /// Which version of the protocol the upstream speaks.
    protocol: Protocol,
    /// Kinds of entries that it does not know, and which stay here.
    withheld: BTreeSet<String>,
}

/// Why a journal goes up from its beginning, under another epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewEpoch {
    /// The upstream knows another copy of it, which may have sent so much.
    AnotherCopy { sent: u64 },
    /// The upstream was upgraded, and takes what was kept from it.
    Upgraded { sent: u64 },
}

/// Whether another epoch begins, of a journal that ends at `head`: the upstream has it so far, and
/// waits for what was withheld, or does not.
fn needs_epoch(
    issued: &IssuedTokens,
    epoch: &str,
    position: &Position,
    is_awaited: bool,
    head: u64,
) -> Option<NewEpoch> {
    if !issued.issued_all_of(epoch, position) {
        return Some(NewEpoch::AnotherCopy { sent: issued.issued_through(epoch, None) });
    }
    is_awaited.then_some(NewEpoch::Upgraded { sent: head })
}

impl Outbox {
    /// Begins with what the upstream says it has of a journal. A journal that is not the one it
    /// knows, because this node's disk was restored or cloned, begins another epoch, and is sent
    /// from its beginning. So does one of which something was withheld that the upstream knows by
    /// now: it was passed over, and what an upstream has passed it is not sent again.
    pub async fn open(
        applied: AppliedJournal,
        upstream: &Upstream,
        peer: &UpstreamPeer,
        state: &UpstreamState,
        below: &BTreeSet<String>,
    ) -> Result<Self> {
        let AppliedJournal { journal, cursor, position, theirs } = applied;
        let UpstreamCursor { cursor, head, mut issued, watermark, .. } = cursor;
        let Cursor { epoch, .. } = cursor;
        if !issued.issued_all_of(&epoch, &position) {
            // Another round may have sent more since this one asked.
            issued = read_issued(journal, upstream).await?;
        }
        let is_awaited = state.is_awaited(journal, peer.protocol);
        let renewal = needs_epoch(&issued, &epoch, &position, is_awaited, head);
        let (epoch, position) = match renewal {
            Some(why) => (begin_epoch(journal, epoch, upstream, why).await?, Position::default()),
            None => (epoch, position),
        };
        let mut push = Push::begin(position, head);
        let audience = upstream_audience(&upstream.me, &peer.name, &theirs, below);
        let through = push.acknowledged().through.sequence;
        let recorded = scan_start(watermark.as_ref(), head, &epoch, &audience, through);
        push.raise_scan_watermark(recorded);
        Ok(Self {
            journal,
            epoch,
            push,
            sizer: BatchSizer::default(),
            recorded,
            audience,
            theirs,
            is_renewed: renewal.is_some(),
            protocol: peer.protocol,
            withheld: BTreeSet::new(),
        })
    }

    /// Whether another epoch had to begin: what was read of the upstream's journal is to be read
    /// again.
    pub fn is_renewed(&self) -> bool {
        self.is_renewed
    }

    /// How far the upstream has the journal.
    pub fn progress(&self) -> JournalProgress {
        JournalProgress {
            journal: self.journal,
            epoch: self.epoch.clone(),
            position: self.push.acknowledged().clone(),
            withheld: self.withheld.clone(),
        }
    }

    /// Records through where the journal was scanned in vain, if that spares the next round work.
    pub async fn record_watermark(&mut self) -> Result<()> {
        let through = self.push.scan_watermark();
        let position = self.push.acknowledged();
        let is_all_applied = position == self.push.sent_position() && position.fresh.is_none();
        let after = position.through.sequence;
        if !is_all_applied || through < self.recorded.max(after) + RECORDED_EVERY {
            return Ok(());
        }
        let audience = fingerprint(&self.audience);
        self.recorded = through;
        let watermark = ScanWatermark { epoch: self.epoch.clone(), audience, after, through };
        self.journal.set_watermark(watermark).await
    }

    /// Sends all there is, and answers how many entries the upstream applied.
    pub async fn drain(&mut self, upstream: &Upstream, deadline: Instant) -> Result<u64> {
        let mut applied = 0;
        let mut in_flight = FuturesUnordered::new();
        loop {
            while in_flight.len() < WINDOW && Instant::now() < deadline {
                let Some(batch) = self.next_batch(upstream).await? else { break };
                let trace = take_trace(self.journal, &batch.entries).await?;
                in_flight.push(send_timed(upstream.in_trace(trace), batch));
            }
            let Some((batch, outcome, took)) = in_flight.next().await else { return Ok(applied) };
            if matches!(outcome, Ok(BatchOutcome::Applied(_))) {
                applied += batch.entries.len() as u64;
                self.sizer.record_answer(batch.payload_bytes(), took);
            }
            if let Err(error) = self.take_outcome(&batch.range(), outcome, upstream).await {
                // Their answers do not matter: the next round asks.
                while in_flight.next().await.is_some() {}
                return Err(error);
            }
        }
    }

    async fn take_outcome(
        &mut self,
        range: &BatchRange,
        outcome: Reached<BatchOutcome>,
        upstream: &Upstream,
    ) -> Result<()> {
        let outcome = outcome?;
        if let Some(position) = self.push.unexpected_position(&outcome)
            && !read_issued(self.journal, upstream).await?.issued_all_of(&self.epoch, position)
        {
            return Err(UpstreamFailure::Down(LATE.to_owned()).into());
        }
        match self.push.record_outcome(range, outcome) {
            NextStep::Continue => Ok(()),
            NextStep::Stop { reason, .. } => Err(UpstreamFailure::Down(reason).into()),
        }
    }

    /// The next batch, if there is anything to send.
    async fn next_batch(&mut self, upstream: &Upstream) -> Result<Option<Batch>> {
        let head = self.journal.read_head().await?;
        loop {
            let Some(read) = self.push.next_read(head) else { return Ok(None) };
            let audience = self.audience.clone();
            let until = Some(read.until);
            let size = self.sizer.target_bytes();
            let mut page = self.journal.read_entries(audience, read.from, until, size).await?;
            let withheld = self.protocol.withhold(self.journal.name(), &mut page.entries);
            self.withheld.extend(withheld);
            if page.entries.is_empty() {
                self.push.record_scanned(&read, page.through);
                continue;
            }
            return self.make_batch(read, page.entries, upstream).await.map(Some);
        }
    }

    async fn make_batch(
        &mut self,
        read: ReadRange,
        entries: Vec<Entry>,
        upstream: &Upstream,
    ) -> Result<Batch> {
        // After the entries were read: what was held back of them had been heard of.
        let cursor = UpstreamCursor::read(self.journal, &upstream.url).await?.cursor;
        let heard = cursor.shown_bookmarks().filter(|shown| shown.epoch == self.theirs).cloned();
        let sequence = entries.last().map_or(read.after, |last| last.sequence);
        let issued = self.journal.issue_token(ABOVE.to_owned(), self.epoch.clone(), sequence);
        let token = issued.await?.token;
        let through = Checkpoint { sequence, token: token.clone() };
        let BatchRange { before, lane, span } = self.push.record_sent(&read, through)?;
        Ok(Batch {
            node: upstream.me.clone(),
            journal: self.journal.name().to_owned(),
            epoch: self.epoch.clone(),
            before,
            lane,
            after: span.after,
            above: Some(self.theirs.clone()),
            heard: heard.collect(),
            token,
            entries,
        })
    }
}

/// Begins another epoch of a journal: it goes up from its beginning, and what this node once sent
/// comes back.
async fn begin_epoch(
    journal: Journal,
    epoch: String,
    upstream: &Upstream,
    why: NewEpoch,
) -> Result<String> {
    let (sent, why) = match why {
        NewEpoch::AnotherCopy { sent } => (sent, ANOTHER),
        NewEpoch::Upgraded { sent } => (sent, UPGRADED),
    };
    eprintln!(
        "{}, for {}: {why}. Another epoch begins after {epoch}, and everything is compared again",
        journal.name(),
        upstream.url
    );
    journal.begin_epoch(epoch, sent).await?;
    journal.read_epoch().await
}

/// The trace that one of some entries belongs to, if one does: it goes on with them.
async fn take_trace(journal: Journal, entries: &[Entry]) -> Result<Option<String>> {
    // Only of statements are traces kept.
    if journal != Journal::Progress {
        return Ok(None);
    }
    let mut found = None;
    for traces::Trace { slot, parent, statement } in traces::list().await? {
        if entries.iter().any(|entry| entry.payload.get().contains(&statement)) {
            found = Some(parent);
            traces::forget(slot).await?;
        }
    }
    Ok(found)
}

/// The tokens of all that was sent until now.
async fn read_issued(journal: Journal, upstream: &Upstream) -> Result<IssuedTokens> {
    Ok(issued_tokens(journal.read_upstream_state(upstream.url.clone()).await?.issued))
}

async fn send_timed(upstream: Upstream, batch: Batch) -> (Batch, Reached<BatchOutcome>, Duration) {
    let asked = Instant::now();
    let answer = upstream.post_message(ENTRIES_PATH, &batch, REQUEST_TIMEOUT).await;
    let outcome = answer.and_then(|answer| read_outcome(&answer));
    (batch, outcome, asked.elapsed())
}

/// What an upstream answers to a batch.
fn read_outcome(answer: &Answer) -> Reached<BatchOutcome> {
    let applied = serde_json::from_slice::<Applied>(&answer.body);
    match (answer.status, applied) {
        (StatusCode::OK, Ok(applied)) => Ok(BatchOutcome::Applied(applied.position)),
        (StatusCode::CONFLICT, Ok(applied)) => Ok(BatchOutcome::Gap(applied.position)),
        (StatusCode::PRECONDITION_FAILED, _) => Ok(BatchOutcome::Failed(RESTORED.to_owned())),
        _ => Err(UpstreamFailure::from(answer)),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hedgeschool_replication::wire::Bookmark;
    use hedgeschool_web::HeaderMap;

    use super::*;

    fn position(sequence: u64, token: &str) -> Position {
        Position { through: Checkpoint { sequence, token: token.to_owned() }, fresh: None }
    }

    #[test]
    fn a_journal_that_the_upstream_knows_otherwise_begins_another_epoch() {
        let token = |through, token: &str| Bookmark {
            epoch: "e".to_owned(),
            through,
            token: token.to_owned(),
        };
        let issued = IssuedTokens(vec![token(20, "a"), token(30, "b")]);
        let needs =
            |position: &Position, is_awaited| needs_epoch(&issued, "e", position, is_awaited, 99);
        assert_eq!(needs(&Position::default(), false), None);
        assert_eq!(needs(&position(20, "a"), false), None);
        assert_eq!(needs(&position(20, "x"), false), Some(NewEpoch::AnotherCopy { sent: 30 }));
        assert_eq!(needs(&position(20, "x"), true), Some(NewEpoch::AnotherCopy { sent: 30 }));
        assert_eq!(needs(&position(30, "b"), true), Some(NewEpoch::Upgraded { sent: 99 }));
    }

    #[test]
    fn an_answer_says_what_became_of_a_batch() {
        let outcome = |status: u16, body: &'static str| {
            let status = StatusCode::from_u16(status).unwrap();
            let body = Bytes::from_static(body.as_bytes());
            read_outcome(&Answer { status, headers: HeaderMap::new(), body })
        };
        let applied = r#"{"position":{"through":{"sequence":7,"receipt":"t"}}}"#;
        let at = position(7, "t");
        assert_eq!(outcome(200, applied).ok(), Some(BatchOutcome::Applied(at.clone())));
        assert_eq!(outcome(409, applied).ok(), Some(BatchOutcome::Gap(at)));
        assert!(matches!(outcome(412, ""), Ok(BatchOutcome::Failed(_))));
        assert!(matches!(outcome(200, "{}"), Err(UpstreamFailure::Down(_))));
        assert!(matches!(outcome(409, "{}"), Err(UpstreamFailure::Refused(..))));
        assert!(matches!(outcome(503, applied), Err(UpstreamFailure::Busy(_))));
    }
}
