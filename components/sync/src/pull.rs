//! Getting from the node above what concerns this one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{try_join_all, try_join3};
use hedgeschool_replication::pace::ANSWER;
use hedgeschool_replication::wire::{
    Bookmark, Cursor, Entry, Feed, HEARD_MAX, Health, Inquiry, PULL_PATH, Page, Pull, Pulled,
    RECORD_PATH, Record,
};
use hedgeschool_replication::{Place, Position, hlc};
use hedgeschool_web::Problem;

use crate::node;
use crate::push::Halt;
use crate::round::Link;
use crate::stores::{Batch, Error, Journal, origin};
use crate::upstream::Upstream;

/// How long to wait for a record that somebody waits for.
pub const RECORD: Duration = Duration::from_secs(3);

/// Who follows subjects here: the node itself.
pub const SELF: &str = "";

/// What an exchange brought.
pub struct Exchange {
    /// The upstream's id.
    pub upstream: String,
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
}

/// What an upstream has of a journal.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The epoch of the journal here.
    pub epoch: String,
    /// How far the upstream has it.
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
    let known = try_join_all(Journal::ALL.map(async |journal| {
        let epoch = journal.epoch().await?;
        let held = link.held(journal, &epoch);
        Ok::<_, Problem>((journal.name(), cursor(journal, upstream, epoch, held).await?))
    }));
    // What was known when this was asked: another round may know more by the time of the answer.
    let mut asked_with: BTreeMap<_, _> = known.await?.into_iter().collect();
    let journals =
        asked_with.iter().map(|(name, (cursor, _))| ((*name).to_owned(), cursor.clone()));
    let journals = journals.collect();
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
    let (mut applied, mut entries, mut more) = (BTreeMap::new(), 0, false);
    let mut is_full = false;
    let mut feeds = pulled.journals;
    for journal in Journal::ALL {
        let Some(feed) = feeds.remove(journal.name()) else { continue };
        entries += feed.page.entries.len() as u64;
        more |= feed.page.more;
        let Some(known) = asked_with.remove(journal.name()) else { continue };
        let epoch = known.0.epoch.clone();
        let theirs = feed.page.bookmark.epoch.clone();
        let position = feed.applied.clone();
        if feed.forgot {
            follow_again(journal).await?;
        }
        applied.insert(journal.name(), Applied { epoch, position, theirs });
        is_full |= !take(journal, upstream, &pulled.node, known, feed).await?;
    }
    Ok(Exchange { upstream: pulled.node, skew, applied, entries, more, is_full })
}

/// Where this node is with a journal, both ways, and the note that says so of the upstream's.
async fn cursor(
    journal: Journal,
    upstream: &Upstream,
    epoch: String,
    held: Option<Place>,
) -> Result<(Cursor, Option<String>), Problem> {
    let ((feed, note), heard, follows) =
        try_join3(feed(journal, upstream, &epoch), heard(journal, upstream), follows(journal))
            .await?;
    Ok((Cursor { epoch, feed, heard, held, follows }, note))
}

/// The name of the note that says how far the upstream's journal has been read in an epoch of the one here: another
/// one is told what came from this one.
fn feed_note(upstream: &Upstream, epoch: &str) -> String {
    format!("feed:{epoch}:{}", upstream.url)
}

/// How the names of the notes begin that say how far an epoch of the upstream's journal has been heard of.
fn heard_notes(upstream: &Upstream) -> String {
    format!("heard:{} ", upstream.url)
}

/// How far the upstream's journal has been read, and the note that says so.
async fn feed(
    journal: Journal,
    upstream: &Upstream,
    epoch: &str,
) -> Result<(Option<Bookmark>, Option<String>), Problem> {
    let note = journal.note(feed_note(upstream, epoch)).await?;
    Ok((note.as_ref().and_then(|text| serde_json::from_str(text).ok()), note))
}

async fn heard(journal: Journal, upstream: &Upstream) -> Result<Vec<Bookmark>, Problem> {
    let prefix = heard_notes(upstream);
    let notes = journal.notes(prefix.clone()).await?;
    let bookmark = |(name, through): (String, String)| {
        let epoch = name.strip_prefix(&prefix)?.to_owned();
        Some(Bookmark { epoch, through: through.parse().ok()?, last: None })
    };
    Ok(notes.into_iter().filter_map(bookmark).take(HEARD_MAX).collect())
}

/// Takes note that an epoch of the upstream's journal has been heard of. A feed's own note says so while it is read.
async fn hear(
    journal: Journal,
    upstream: &Upstream,
    epoch: &str,
    through: u64,
) -> Result<(), Error> {
    journal.raise_note(format!("{}{epoch}", heard_notes(upstream)), through).await
}

/// How far an epoch of the upstream's journal has been heard of. None: not at all.
pub async fn furthest(
    journal: Journal,
    upstream: &Upstream,
    epoch: &str,
    theirs: &str,
) -> Result<Option<Bookmark>, Problem> {
    let (feed, _) = feed(journal, upstream, epoch).await?;
    let known = feed.into_iter().chain(heard(journal, upstream).await?);
    Ok(known.filter(|known| known.epoch == theirs).max_by_key(|known| known.through))
}

/// The epoch of the upstream's journal that is read by one of a journal here. None: nothing of it has been.
pub async fn epoch_above(
    journal: Journal,
    upstream: &Upstream,
    epoch: &str,
) -> Result<Option<String>, Problem> {
    let (feed, _) = feed(journal, upstream, epoch).await?;
    Ok(feed.map(|feed| feed.epoch))
}

/// Forgets how far an upstream's journals have been read: it has lost some of them, and has others there.
pub async fn forget(upstream: &Upstream) -> Result<(), Problem> {
    for journal in Journal::ALL {
        let epoch = journal.epoch().await?;
        let (Some(known), _) = feed(journal, upstream, &epoch).await? else { continue };
        hear(journal, upstream, &known.epoch, known.through).await?;
        journal.set_note(feed_note(upstream, &epoch), String::new()).await?;
    }
    Ok(())
}

/// Applies what a journal of the upstream has for this node. False: there is no room for it.
async fn take(
    journal: Journal,
    upstream: &Upstream,
    peer: &str,
    (asked, before): (Cursor, Option<String>),
    feed: Feed,
) -> Result<bool, Problem> {
    let Page { bookmark, entries, .. } = feed.page;
    let known = asked.feed.as_ref();
    let Some(turned) = bookmark.turned(known, entries.is_empty()) else { return Ok(true) };
    if let Some(known) = known.filter(|_| turned.follows_again) {
        match hear(journal, upstream, &known.epoch, known.through).await {
            Err(Error::Full) => return Ok(false),
            noted => noted?,
        }
        follow_again(journal).await?;
    }
    let after = serde_json::to_string(&bookmark).map_err(Problem::internal)?;
    let note = feed_note(upstream, &asked.epoch);
    let peer = origin(peer, &bookmark.epoch);
    let batch = Batch { peer, scope: None, note, before, after, entries };
    match journal.apply(batch).await {
        // Another round has been faster, or all is to be read again, which this page does not know.
        Err(Error::Moved) => Ok(true),
        Err(Error::Full) => Ok(false),
        applied => applied.map(|()| true).map_err(Problem::from),
    }
}

/// The name of the note that says from where on a subject's record is wanted.
fn wanted_note(subject: &str) -> String {
    format!("wanted:{subject}")
}

/// How many subjects this node follows whose record has come, so that the upstream knows of them.
async fn follows(journal: Journal) -> Result<u64, Problem> {
    let all = journal.count_followed(SELF.to_owned()).await?;
    let wanted = if all > 0 { journal.notes(wanted_note("")).await?.len() } else { 0 };
    Ok(all.saturating_sub(wanted as u64))
}

/// Asks for everything about all subjects again.
async fn follow_again(journal: Journal) -> Result<(), Problem> {
    let mut after = String::new();
    loop {
        let subjects = journal.followed(SELF.to_owned(), after).await?;
        let Some(last) = subjects.last() else { return Ok(()) };
        after = last.clone();
        for subject in subjects {
            journal.set_note(wanted_note(&subject), "0".to_owned()).await?;
        }
    }
}

/// Makes a subject concern this node. True: it did not before, and its record is still to come.
pub async fn follow(journal: Journal, subject: &str) -> Result<bool, Problem> {
    let name = wanted_note(subject);
    if journal.is_followed(SELF.to_owned(), subject.to_owned()).await? {
        return Ok(journal.note(name).await?.is_some());
    }
    journal.set_note(name, "0".to_owned()).await?;
    journal.follow(SELF.to_owned(), subject.to_owned()).await?;
    Ok(true)
}

/// Fetches records that are still to come, and answers how many entries came.
pub async fn records(upstream: &Upstream, peer: &str) -> Result<u64, Halt> {
    let wanted =
        try_join_all(Journal::ALL.map(async |journal| {
            Ok::<_, Problem>((journal, journal.notes(wanted_note("")).await?))
        }));
    let mut entries = 0;
    for (journal, notes) in wanted.await? {
        for (name, _) in notes {
            let subject = name.strip_prefix("wanted:").unwrap_or_default();
            entries += record(upstream, peer, journal, subject, ANSWER).await?;
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
        let Some(before) = journal.note(wanted_note(subject)).await? else { return Ok(count) };
        let (cursor, _) = cursor(journal, upstream, journal.epoch().await?, None).await?;
        let inquiry = Inquiry {
            node: upstream.me.clone(),
            journal: journal.name().to_owned(),
            subject: subject.to_owned(),
            cursor,
            after: before.parse().unwrap_or(0),
        };
        let record: Record = upstream.ask(RECORD_PATH, &inquiry, within).await?;
        // Before it is applied: an upstream that knows of less has lost what it was.
        match hear(journal, upstream, &record.epoch, record.through).await {
            Err(Error::Full) => return Ok(count),
            noted => noted.map_err(Problem::from)?,
        }
        count += record.entries.len() as u64;
        let after = record.next.map(|next| next.to_string()).unwrap_or_default();
        let peer = origin(peer, &record.epoch);
        if !apply_record(journal, &peer, subject, before, after, record.entries).await? {
            return Ok(count);
        }
    }
}

/// Applies a part of a record. False: there is no room for it, so it is still wanted.
async fn apply_record(
    journal: Journal,
    peer: &str,
    subject: &str,
    before: String,
    after: String,
    entries: Vec<Entry>,
) -> Result<bool, Problem> {
    let batch = Batch {
        peer: peer.to_owned(),
        scope: None,
        note: wanted_note(subject),
        before: Some(before),
        after,
        entries,
    };
    match journal.apply(batch).await {
        Err(Error::Moved) => Ok(true),
        Err(Error::Full) => Ok(false),
        applied => applied.map(|()| true).map_err(Problem::from),
    }
}
