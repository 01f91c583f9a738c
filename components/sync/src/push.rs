//! Sending this node's journals to the node above.

use std::collections::BTreeSet;
use std::time::Instant;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hedgeschool_replication::pace::ANSWER;
use hedgeschool_replication::recognise::Known;
use hedgeschool_replication::wire::{
    Applied as Answered, BATCH_ENTRIES_MAX, Batch, Cursor, ENTRIES_PATH,
};
use hedgeschool_replication::{Answer, Next, Portion, Position, Push, Span, WINDOW, Want};
use hedgeschool_web::{Problem, StatusCode};

use crate::above::Standing;
use crate::pull::Applied;
use crate::stores::{Audience, Error, Journal};
use crate::upstream::{Failure, Upstream, failure};
use crate::waiting::{self, Looked};

/// How much further a journal must have been looked through in vain for that to be noted: what one look takes in
/// costs the next round one look.
const NOTED_EVERY: u64 = BATCH_ENTRIES_MAX as u64;

/// Why a round ends when an upstream is not the one that it began with.
const RESTORED: &str = "the upstream's disk was restored meanwhile";

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
    /// Begins with what the upstream says it has of a journal. A journal that is not the one it knows, because
    /// this node's disk was restored or cloned, begins another epoch, and is sent from its beginning. It is another one
    /// if the upstream has more of it than was ever sent from here, or other entries.
    pub async fn greeted(
        journal: Journal,
        applied: Applied,
        upstream: &Upstream,
        peer: &str,
        below: &BTreeSet<String>,
    ) -> Result<Self, Problem> {
        let Applied { standing, position, theirs } = applied;
        let known = known(journal, upstream, &standing, &position).await?;
        let Standing { cursor: Cursor { epoch, .. }, looked, .. } = standing;
        let Known { head, sent, .. } = known;
        let greeted = Push::greeted(position, known);
        let is_renewed = greeted.is_none();
        let (epoch, mut push) = match greeted {
            Some(push) => (epoch, push),
            None => {
                (renewed(journal, epoch, sent, upstream).await?, Push::from_the_beginning(head))
            }
        };
        let audience = waiting::above(&upstream.me, peer, &theirs, below);
        let through = push.acknowledged().through.sequence;
        let noted = waiting::from(looked.as_ref(), head, &epoch, &audience, through);
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
        })
    }

    /// Which journal.
    pub fn journal(&self) -> Journal {
        self.journal
    }

    /// Whether another epoch had to begin: what was read of the upstream's journal is to be read again.
    pub fn is_renewed(&self) -> bool {
        self.is_renewed
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
        let looked = Looked { epoch: self.epoch.clone(), audience, after, through };
        self.noted = through;
        waiting::note(self.journal, &looked).await
    }

    /// Sends all there is, and answers how many entries the upstream applied.
    pub async fn drain(&mut self, upstream: &Upstream, deadline: Instant) -> Result<u64, Halt> {
        let mut applied = 0;
        let mut underway = FuturesUnordered::new();
        loop {
            while underway.len() < WINDOW && Instant::now() < deadline {
                let Some(batch) = self.next(upstream).await? else { break };
                // Before it is sent: what the upstream has beyond this is not from this copy of the journal.
                let last = batch.entries.last().map_or(0, |entry| entry.sequence);
                self.journal.raise_note(sent_note(&self.epoch), last).await?;
                underway.push(async move {
                    let asked = Instant::now();
                    let answer = send(upstream, &batch).await;
                    (batch, answer, asked.elapsed())
                });
            }
            let Some((batch, answer, took)) = underway.next().await else { return Ok(applied) };
            if matches!(answer, Ok(Answer::Applied(_))) {
                applied += batch.entries.len() as u64;
                self.portion.answered(batch.bytes(), took);
            }
            let span = batch.span();
            if let Err(halt) = self.answered(&span, answer).await {
                // Their answers do not matter: the next round asks.
                while underway.next().await.is_some() {}
                return Err(halt);
            }
        }
    }

    async fn answered(&mut self, span: &Span, answer: Result<Answer, Failure>) -> Result<(), Halt> {
        match self.push.answered(span, answer?) {
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
            let page = self.journal.entries(audience, want.from, until, size).await?;
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
        entries: Vec<hedgeschool_replication::wire::Entry>,
        upstream: &Upstream,
    ) -> Result<Batch, Problem> {
        // After the entries were read: what was held back of them had been heard of.
        let standing = Standing::read(self.journal, upstream, None).await?;
        let heard = standing.cursor.shown().filter(|shown| shown.epoch == self.theirs).cloned();
        let batch = Batch {
            node: upstream.me.clone(),
            journal: self.journal.name().to_owned(),
            epoch: self.epoch.clone(),
            before: self.push.before().clone(),
            lane: want.lane,
            after: want.after,
            above: Some(self.theirs.clone()),
            heard: heard.collect(),
            entries,
        };
        let leads_to = batch.before.with(batch.lane, batch.span()).map_err(Problem::internal)?;
        self.push.sent(want.lane, leads_to);
        Ok(batch)
    }
}

/// The name of the note that says how far a journal was ever sent.
pub fn sent_note(epoch: &str) -> String {
    format!("sent:{epoch}")
}

/// Begins another epoch of a journal: it goes up from its beginning, and what this node once sent comes back.
async fn renewed(
    journal: Journal,
    epoch: String,
    sent: u64,
    upstream: &Upstream,
) -> Result<String, Problem> {
    eprintln!(
        "{}: this journal is not the one that {} knows under epoch {epoch}; the disk was restored or \
         cloned. Another epoch begins, and everything is compared again",
        journal.name(),
        upstream.url
    );
    journal.renew(epoch, sent).await?;
    Ok(journal.epoch().await?)
}

/// What is known of the journal by which a position is recognised.
async fn known(
    journal: Journal,
    upstream: &Upstream,
    standing: &Standing,
    position: &Position,
) -> Result<Known, Problem> {
    let is_another = is_another(journal, position).await?;
    let known = Known { head: standing.head, sent: standing.sent, is_another };
    if is_another || position.is_of(known) {
        return Ok(known);
    }
    // Another round may have sent more since this one asked.
    let now = Standing::read(journal, upstream, None).await?;
    let is_same = now.cursor.epoch == standing.cursor.epoch;
    Ok(if is_same { Known { head: now.head, sent: now.sent, is_another } } else { known })
}

/// Whether a journal has other entries where a position is recognised.
async fn is_another(journal: Journal, applied: &Position) -> Result<bool, Error> {
    for place in applied.places() {
        if place.is_another(journal.find(place.sequence).await?.as_ref()) {
            return Ok(true);
        }
    }
    Ok(false)
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
