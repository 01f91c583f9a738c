//! Sending this node's journals to the node above.

use std::collections::BTreeSet;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hedgeschool_replication::pace::ANSWER;
use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::wire::{
    Applied as Answered, BATCH_ENTRIES_MAX, Batch, Cursor, ENTRIES_PATH, Entry,
};
use hedgeschool_replication::{
    Answer, Leg, Next, Place, Portion, Position, Protocol, Push, WINDOW, Want,
};
use hedgeschool_web::{Problem, StatusCode};

use crate::above::Standing;
use crate::link::Link;
use crate::pull::{Applied, SELF};
use crate::stores::{Audience, Error, Journal, ScanWatermark, told, traces};
use crate::upstream::{Failure, Upstream, failure};
use crate::waiting;

/// How much further a journal must have been looked through in vain for that to be noted: what one
/// look takes in costs the next round one look.
const NOTED_EVERY: u64 = BATCH_ENTRIES_MAX as u64;

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
    portion: Portion,
    /// How far of the journal it is noted that it was looked through in vain.
    noted: u64,
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

/// The node above, as it told of itself at the start of a round.
pub struct Peer<'a> {
    /// Its id.
    pub name: &'a str,
    /// Which version of the protocol it speaks.
    pub protocol: Protocol,
}

/// Why pushing stops before everything is sent.
pub enum Halt {
    /// The upstream or the link.
    Upstream(Failure),
    /// Something here.
    Here(Problem),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Upstream(failure)
    }
}

impl From<Problem> for Halt {
    fn from(problem: Problem) -> Self {
        Self::Here(problem)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Here(error.into())
    }
}

impl Outbox {
    /// Begins with what the upstream says it has of a journal. A journal that is not the one it
    /// knows, because this node's disk was restored or cloned, begins another epoch, and is sent
    /// from its beginning. So does one of which something was withheld that the upstream knows by
    /// now: it was passed over, and what an upstream has passed it is not sent again.
    pub async fn greeted(
        journal: Journal,
        applied: Applied,
        upstream: &Upstream,
        peer: &Peer<'_>,
        link: &Link,
        below: &BTreeSet<String>,
    ) -> Result<Self, Problem> {
        let Applied { standing, position, theirs } = applied;
        let Standing { cursor: Cursor { epoch, .. }, head, mut told, watermark, .. } = standing;
        if !told.is_of(&epoch, &position) {
            // Another round may have sent more since this one asked.
            told = told_above(journal, upstream).await?;
        }
        let is_another = !told.is_of(&epoch, &position);
        let is_renewed = is_another || link.is_awaited(journal, peer.protocol);
        let (epoch, position) = if is_renewed {
            let sent = if is_another { told.through(&epoch, None) } else { head };
            let why = if is_another { ANOTHER } else { UPGRADED };
            (renewed(journal, epoch, sent, upstream, why).await?, Position::default())
        } else {
            (epoch, position)
        };
        let mut push = Push::begin(position, head);
        let audience = waiting::above(&upstream.me, peer.name, &theirs, below);
        let through = push.acknowledged().through.sequence;
        let noted = waiting::from(watermark.as_ref(), head, &epoch, &audience, through);
        push.skip(noted);
        Ok(Self {
            journal,
            epoch,
            push,
            portion: Portion::default(),
            noted,
            audience,
            theirs,
            is_renewed,
            protocol: peer.protocol,
            withheld: BTreeSet::new(),
        })
    }

    /// Which journal.
    pub fn journal(&self) -> Journal {
        self.journal
    }

    /// Whether another epoch had to begin: what was read of the upstream's journal is to be read
    /// again.
    pub fn is_renewed(&self) -> bool {
        self.is_renewed
    }

    /// Kinds of entries that were passed over, because the upstream does not know them.
    pub fn withheld(&self) -> &BTreeSet<String> {
        &self.withheld
    }

    /// Its epoch, and how far the upstream has it.
    pub fn place(&self) -> (&str, &Position) {
        (&self.epoch, self.push.acknowledged())
    }

    /// Notes how far the journal was looked through in vain, if that spares the next round work.
    pub async fn note(&mut self) -> Result<(), Problem> {
        let through = self.push.looked();
        let position = self.push.acknowledged();
        let is_all_applied = position == self.push.before() && position.fresh.is_none();
        let after = position.through.sequence;
        if !is_all_applied || through < self.noted.max(after) + NOTED_EVERY {
            return Ok(());
        }
        let audience = waiting::fingerprint(&self.audience);
        self.noted = through;
        let watermark = ScanWatermark { epoch: self.epoch.clone(), audience, after, through };
        Ok(self.journal.set_watermark(watermark).await?)
    }

    /// Sends all there is, and answers how many entries the upstream applied.
    pub async fn drain(&mut self, upstream: &Upstream, deadline: Instant) -> Result<u64, Halt> {
        let mut applied = 0;
        let mut underway = FuturesUnordered::new();
        loop {
            while underway.len() < WINDOW && Instant::now() < deadline {
                let Some(batch) = self.next(upstream).await? else { break };
                let upstream = upstream.in_trace(traced(self.journal, &batch.entries).await?);
                underway.push(async move {
                    let asked = Instant::now();
                    let answer = send(&upstream, &batch).await;
                    (batch, answer, asked.elapsed())
                });
            }
            let Some((batch, answer, took)) = underway.next().await else { return Ok(applied) };
            if matches!(answer, Ok(Answer::Applied(_))) {
                applied += batch.entries.len() as u64;
                self.portion.answered(batch.bytes(), took);
            }
            if let Err(halt) = self.answered(&batch.leg(), answer, upstream).await {
                // Their answers do not matter: the next round asks.
                while underway.next().await.is_some() {}
                return Err(halt);
            }
        }
    }

    async fn answered(
        &mut self,
        leg: &Leg,
        answer: Result<Answer, Failure>,
        upstream: &Upstream,
    ) -> Result<(), Halt> {
        let answer = answer?;
        if let Some(position) = self.push.unexpected(&answer)
            && !told_above(self.journal, upstream).await?.is_of(&self.epoch, position)
        {
            return Err(Failure::Down(LATE.to_owned()).into());
        }
        match self.push.answered(leg, answer) {
            Next::Continue => Ok(()),
            Next::Stop { reason, .. } => Err(Failure::Down(reason).into()),
        }
    }

    /// The next batch, if there is anything to send.
    async fn next(&mut self, upstream: &Upstream) -> Result<Option<Batch>, Problem> {
        let head = self.journal.head().await?;
        loop {
            let Some(want) = self.push.want(head) else { return Ok(None) };
            let audience = self.audience.clone();
            let until = Some(want.until);
            let size = self.portion.bytes();
            let mut page = self.journal.entries(audience, want.from, until, size).await?;
            let withheld = self.protocol.withhold(self.journal.name(), &mut page.entries);
            self.withheld.extend(withheld);
            if page.entries.is_empty() {
                self.push.nothing(&want, page.through);
                continue;
            }
            return self.batch(want, page.entries, upstream).await.map(Some);
        }
    }

    async fn batch(
        &mut self,
        want: Want,
        entries: Vec<Entry>,
        upstream: &Upstream,
    ) -> Result<Batch, Problem> {
        // After the entries were read: what was held back of them had been heard of.
        let standing = Standing::read(self.journal, upstream, None).await?;
        let heard = standing.cursor.shown().filter(|shown| shown.epoch == self.theirs).cloned();
        let sequence = entries.last().map_or(want.after, |last| last.sequence);
        let told = self.journal.issue_token(SELF.to_owned(), self.epoch.clone(), sequence).await?;
        let through = Place { sequence, receipt: told.receipt.clone() };
        let Leg { before, lane, span } =
            self.push.sent(&want, through).map_err(Problem::internal)?;
        Ok(Batch {
            node: upstream.me.clone(),
            journal: self.journal.name().to_owned(),
            epoch: self.epoch.clone(),
            before,
            lane,
            after: span.after,
            above: Some(self.theirs.clone()),
            heard: heard.collect(),
            receipt: told.receipt,
            entries,
        })
    }
}

/// Begins another epoch of a journal: it goes up from its beginning, and what this node once sent
/// comes back.
async fn renewed(
    journal: Journal,
    epoch: String,
    sent: u64,
    upstream: &Upstream,
    why: &str,
) -> Result<String, Problem> {
    eprintln!(
        "{}, for {}: {why}. Another epoch begins after {epoch}, and everything is compared again",
        journal.name(),
        upstream.url
    );
    journal.begin_epoch(epoch, sent).await?;
    Ok(journal.epoch().await?)
}

/// The trace that one of some entries belongs to, if one does: it goes on with them.
async fn traced(journal: Journal, entries: &[Entry]) -> Result<Option<String>, Error> {
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

/// The receipts of all that was sent until now.
async fn told_above(journal: Journal, upstream: &Upstream) -> Result<Told, Error> {
    Ok(told(journal.read_upstream_state(upstream.url.clone()).await?.issued))
}

async fn send(upstream: &Upstream, batch: &Batch) -> Result<Answer, Failure> {
    let answer = upstream.post(ENTRIES_PATH, batch, ANSWER).await?;
    let applied = serde_json::from_slice::<Answered>(&answer.body);
    match (answer.status, applied) {
        (StatusCode::OK, Ok(applied)) => Ok(Answer::Applied(applied.position)),
        (StatusCode::CONFLICT, Ok(applied)) => Ok(Answer::Gap(applied.position)),
        (StatusCode::PRECONDITION_FAILED, _) => Ok(Answer::Failed(RESTORED.to_owned())),
        _ => Err(failure(&answer)),
    }
}
