//! Getting from the node above what concerns this one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::try_join_all;
use hedgeschool_replication::pace::ANSWER;
use hedgeschool_replication::wire::{
    Entry, Feed, Health, Inquiry, PULL_PATH, Page, Pull, Pulled, RECORD_PATH, Record,
};
use hedgeschool_replication::{Position, Protocol, hlc};
use hedgeschool_web::Problem;

use crate::above::{self, Standing};
use crate::link::Link;
use crate::node;
use crate::push::Halt;
use crate::stores::{Advance, Batch, Error, Journal, RecordAdvance, origin};
use crate::upstream::Upstream;

/// How long to wait for a record that somebody waits for.
pub const RECORD: Duration = Duration::from_secs(3);

/// Who follows subjects here, and whom what goes up is noted for: the node itself.
pub const SELF: &str = "";

/// What an exchange brought.
pub struct Exchange {
    /// The upstream's id.
    pub upstream: String,
    /// Which version of the protocol it speaks.
    pub protocol: Protocol,
    /// Version of its software. Empty: it does not say.
    pub version: String,
    /// How far its clock is ahead of this one's, in microseconds.
    pub skew: i64,
    /// What the upstream has of each journal here.
    pub applied: BTreeMap<&'static str, Applied>,
    /// How many entries came.
    pub entries: u64,
    /// There are more.
    pub more: bool,
    /// There is no room here for some of them: they stay where they are.
    pub is_full: bool,
    /// Records of subjects are still to come.
    pub is_wanting: bool,
}

/// What an upstream has of a journal.
pub struct Applied {
    /// Where this node was when it asked.
    pub standing: Standing,
    /// How far the upstream has the journal here.
    pub position: Position,
    /// The epoch of the upstream's own.
    pub theirs: String,
}

/// Asks the upstream for news, waiting for them if there are none, and applies them.
pub async fn exchange(
    upstream: &Upstream,
    link: &Link,
    below: &BTreeSet<String>,
    health: Health,
    wait: Duration,
) -> Result<Exchange, Halt> {
    let standings = try_join_all(Journal::ALL.map(async |journal| {
        let standing = Standing::read(journal, upstream, Some(link)).await?;
        Ok::<_, Problem>((journal.name(), standing))
    }));
    // What was known when this was asked: another round may know more by the time of the answer.
    let mut standings: BTreeMap<_, _> = standings.await?.into_iter().collect();
    let journals = standings
        .iter()
        .map(|(name, standing)| ((*name).to_owned(), standing.cursor.clone()))
        .collect();
    let asked = node::now();
    let pull = Pull {
        node: upstream.me.clone(),
        serves: below.clone(),
        now: asked,
        health,
        journals,
        wait_ms: wait.as_millis().try_into().unwrap_or(u64::MAX),
    };
    let pulled: Pulled = upstream.ask(PULL_PATH, &pull, ANSWER + wait).await?;
    // The answer may have waited, but its clock was read when it was made.
    let now = node::now();
    let skew = if wait.is_zero() { hlc::skew(asked, pulled.now, now) } else { pulled.now - now };
    let mut exchange = Exchange {
        upstream: pulled.node.clone(),
        protocol: pulled.protocol,
        version: pulled.version,
        skew,
        applied: BTreeMap::new(),
        entries: 0,
        more: false,
        is_full: false,
        is_wanting: false,
    };
    let mut feeds = pulled.journals;
    for journal in Journal::ALL {
        let (Some(feed), Some(standing)) =
            (feeds.remove(journal.name()), standings.remove(journal.name()))
        else {
            continue;
        };
        exchange.entries += feed.page.entries.len() as u64;
        exchange.more |= feed.page.more;
        let theirs = feed.page.bookmark.epoch.clone();
        let position = feed.applied.clone();
        let taken = take(journal, upstream, &pulled.node, &standing, feed).await?;
        exchange.is_full |= taken.is_full;
        exchange.is_wanting |= taken.follows_again || standing.is_wanting;
        exchange.applied.insert(journal.name(), Applied { standing, position, theirs });
    }
    Ok(exchange)
}

/// What became of a feed.
#[derive(Default)]
struct Taken {
    /// There is no room for it.
    is_full: bool,
    /// The records of all subjects are wanted again.
    follows_again: bool,
}

/// Applies what a journal of the upstream has for this node.
async fn take(
    journal: Journal,
    upstream: &Upstream,
    peer: &str,
    standing: &Standing,
    feed: Feed,
) -> Result<Taken, Problem> {
    let Page { bookmark, entries, .. } = feed.page;
    let turned = bookmark.turned(standing.cursor.feed.as_ref(), entries.is_empty());
    let follows_again = feed.forgot || turned.is_some_and(|turned| turned.follows_again);
    if follows_again {
        // Everything about all subjects.
        journal.want_all_records().await?;
    }
    let mut taken = Taken { follows_again, is_full: false };
    let Some(turned) = turned else { return Ok(taken) };
    if let Some(left) = standing.cursor.feed.as_ref().filter(|_| turned.follows_again) {
        match above::hear(journal, upstream, left).await {
            Err(Error::Full) => return Ok(Taken { is_full: true, ..taken }),
            noted => noted?,
        }
    }
    let batch = Batch {
        peer: origin(peer, &bookmark.epoch),
        scope: None,
        advance: standing.advance_to(upstream, Some(bookmark.clone())),
        entries,
    };
    match journal.apply(batch).await {
        // Another round has been faster, or all is to be read again, which this page does not know.
        Err(Error::Moved) => {}
        Err(Error::Full) => taken.is_full = true,
        applied => {
            applied?;
            standing.cover(journal, upstream, &bookmark).await?;
        }
    }
    Ok(taken)
}

/// Makes a subject concern this node. True: it did not before, and its record is still to come.
pub async fn follow(journal: Journal, subject: &str) -> Result<bool, Problem> {
    if journal.is_followed(SELF.to_owned(), subject.to_owned()).await? {
        return Ok(journal.wanted_from(subject.to_owned()).await?.is_some());
    }
    journal.want_record(subject.to_owned()).await?;
    journal.follow(SELF.to_owned(), subject.to_owned()).await?;
    Ok(true)
}

/// Fetches records that are still to come, and answers how many entries came.
pub async fn records(upstream: &Upstream, peer: &str) -> Result<u64, Halt> {
    let wanted = try_join_all(
        Journal::ALL
            .map(async |journal| Ok::<_, Problem>((journal, journal.wanted_records().await?))),
    );
    let mut entries = 0;
    for (journal, subjects) in wanted.await? {
        for subject in subjects {
            entries += record(upstream, peer, journal, &subject, ANSWER).await?;
        }
    }
    Ok(entries)
}

/// Fetches the rest of a subject's record.
pub async fn record(
    upstream: &Upstream,
    peer: &str,
    journal: Journal,
    subject: &str,
    within: Duration,
) -> Result<u64, Halt> {
    let mut count = 0;
    loop {
        let Some(before) = journal.wanted_from(subject.to_owned()).await? else { return Ok(count) };
        let standing = Standing::read(journal, upstream, None).await?;
        let inquiry = Inquiry {
            node: upstream.me.clone(),
            journal: journal.name().to_owned(),
            subject: subject.to_owned(),
            cursor: standing.cursor.clone(),
            after: before,
        };
        let record: Record = upstream.ask(RECORD_PATH, &inquiry, within).await?;
        // Before it is applied: an upstream that does not know of it has lost what it was.
        match above::hear(journal, upstream, &record.bookmark).await {
            Err(Error::Full) => return Ok(count),
            noted => noted.map_err(Problem::from)?,
        }
        standing.cover(journal, upstream, &record.bookmark).await?;
        count += record.entries.len() as u64;
        let peer = origin(peer, &record.bookmark.epoch);
        let advance = RecordAdvance { subject: subject.to_owned(), before, after: record.next };
        if !apply_record(journal, peer, advance, record.entries).await? {
            return Ok(count);
        }
    }
}

/// Applies a part of a record. False: there is no room for it, so it is still wanted.
async fn apply_record(
    journal: Journal,
    peer: String,
    advance: RecordAdvance,
    entries: Vec<Entry>,
) -> Result<bool, Problem> {
    let batch = Batch { peer, scope: None, advance: Advance::Record(advance), entries };
    match journal.apply(batch).await {
        Err(Error::Moved) => Ok(true),
        Err(Error::Full) => Ok(false),
        applied => applied.map(|()| true).map_err(Problem::from),
    }
}
