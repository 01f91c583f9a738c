//! What this node does for the nodes below it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hedgeschool_credentials::Subject;
use hedgeschool_replication::Position;
use hedgeschool_replication::wire::{
    Applied, BATCH_ENTRIES_MAX, BODY_BYTES_MAX, Batch, Bookmark, Cursor, Feed, Inquiry, Page,
    Pieces, Pull, Pulled, WAIT_MS_MAX, WireError,
};
use hedgeschool_web::{HeaderMap, Problem, Reply, Request, StatusCode, body, identity};

use crate::news::{self, Watch};
use crate::node::{self, Below, below_note};
use crate::pull::{self, RECORD};
use crate::stores::{Audience, Error, Journal, Page as StoredPage, origin, packages};
use crate::upstream::Upstream;
use crate::{outflow, round};

/// Batches that an instance applies at one time; more are asked to wait.
const APPLYING_MAX: usize = 16;
/// How often it is noted that a node below was heard of, in microseconds.
const HEARD_EVERY_US: i64 = 10_000_000;
/// How much further a node may be without having heard so.
const UNTOLD_MAX: u64 = 1_000;

thread_local! {
    static APPLYING: Cell<usize> = const { Cell::new(0) };
}

/// One of so many places; given back when dropped.
struct Place(&'static std::thread::LocalKey<Cell<usize>>);

impl Place {
    fn take(taken: &'static std::thread::LocalKey<Cell<usize>>, limit: usize) -> Option<Self> {
        let count = taken.get();
        (count < limit).then(|| {
            taken.set(count + 1);
            Self(taken)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

/// `POST /sync/v1/entries`: applies a batch, all or nothing, and answers how far the journal is applied.
pub async fn entries(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let Some(_place) = Place::take(&APPLYING, APPLYING_MAX) else {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too much at once: try again");
        return Err(problem.with_header("retry-after", "2"));
    };
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let batch = Batch::parse(&bytes).map_err(refused)?;
    drop(bytes);
    same_node(&sender, &batch.node)?;
    let journal = named(&batch.journal)?;
    let told = told(&sender).await?;
    let scope: Vec<_> = told.serves.into_iter().chain([sender.clone()]).collect();
    let (status, applied) = apply(journal, &sender, scope, batch).await?;
    Ok(Reply::json(&applied)?.with_status(status))
}

/// Where the note is about how far a node's journal is applied.
fn applied_note(node: &str, epoch: &str) -> String {
    format!("applied:{node}:{epoch}")
}

/// How far a node's journal is applied.
async fn applied(
    journal: Journal,
    node: &str,
    epoch: &str,
) -> Result<Option<(Position, String)>, Problem> {
    let text = journal.note(applied_note(node, epoch)).await?;
    Ok(text.and_then(|text| Some((serde_json::from_str(&text).ok()?, text))))
}

async fn apply(
    journal: Journal,
    sender: &str,
    scope: Vec<String>,
    batch: Batch,
) -> Result<(StatusCode, Applied), Problem> {
    let Batch { epoch, before, lane, .. } = &batch;
    let (epoch, lane, span) = (epoch.clone(), *lane, batch.span());
    // What the sender thinks, who may have sent what comes before at the same time.
    let mut from = before.clone();
    let mut text = (from != Position::default()).then(|| serde_json::to_string(&from));
    let mut entries = Some(batch.entries);
    loop {
        let expected = text.transpose().map_err(Problem::internal)?;
        let Ok(next) = from.with(lane, span.clone()) else {
            return Ok((StatusCode::CONFLICT, Applied { position: from, now: None }));
        };
        let stored = crate::stores::Batch {
            peer: origin(sender, &epoch),
            scope: Some(scope.clone()),
            note: applied_note(sender, &epoch),
            before: expected,
            after: serde_json::to_string(&next).map_err(Problem::internal)?,
            entries: copy(&mut entries)?,
        };
        match journal.apply(stored).await {
            Ok(()) => return Ok((StatusCode::OK, Applied { position: next, now: None })),
            Err(Error::Moved) => {}
            Err(Error::Ahead(now)) => {
                return Ok((StatusCode::CONFLICT, Applied { position: from, now: Some(now) }));
            }
            Err(error) => return Err(error.into()),
        }
        let known = applied(journal, sender, &epoch).await?;
        let (position, noted) =
            known.map_or_else(Default::default, |(position, text)| (position, Some(Ok(text))));
        if position == from {
            return Err(Problem::busy());
        }
        if position.has(span.through.sequence) {
            return Ok((StatusCode::OK, Applied { position, now: None }));
        }
        (from, text) = (position, noted);
    }
}

/// The entries, for one attempt of possibly several.
fn copy(
    entries: &mut Option<Vec<hedgeschool_replication::wire::Entry>>,
) -> Result<Vec<hedgeschool_replication::wire::Entry>, Problem> {
    let copied = entries.as_ref().map(|entries| {
        let copy =
            |entry: &hedgeschool_replication::wire::Entry| hedgeschool_replication::wire::Entry {
                sequence: entry.sequence,
                kind: entry.kind.clone(),
                payload: entry.payload.clone(),
            };
        entries.iter().map(copy).collect()
    });
    copied.ok_or_else(|| Problem::internal("a batch without entries"))
}

/// `POST /sync/v1/pull`: what this node has of and for the asking one; waits for news if asked to.
pub async fn pull(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let pull = Pull::parse(&bytes).map_err(refused)?;
    same_node(&sender, &pull.node)?;
    hear(&pull).await?;
    let wait = Duration::from_millis(pull.wait_ms.min(WAIT_MS_MAX));
    let watch = if wait.is_zero() { None } else { Watch::begin(&pull).await? };
    let (pulled, is_news) = pulled(&pull).await?;
    match watch {
        Some(watch) if !is_news => Ok(news::reply(pull, watch, Instant::now() + wait)),
        _ => Reply::json(&pulled),
    }
}

/// The answer to a pull as of now, and whether it is worth one.
pub async fn pulled(pull: &Pull) -> Result<(Pulled, bool), Problem> {
    let (journals, is_news) = feeds(pull).await?;
    Ok((Pulled { node: node::id().await?, now: node::now(), journals }, is_news))
}

/// What there is for a node, and whether that is worth an answer.
async fn feeds(pull: &Pull) -> Result<(BTreeMap<String, Feed>, bool), Problem> {
    let mut feeds = BTreeMap::new();
    let mut is_news = false;
    for journal in Journal::ALL {
        let Some(cursor) = pull.journals.get(journal.name()) else { continue };
        let feed = feed(journal, pull, cursor).await?;
        let known =
            cursor.feed.as_ref().filter(|feed_of| feed_of.epoch == feed.page.bookmark.epoch);
        let through = feed.page.bookmark.through;
        is_news |= !feed.page.entries.is_empty()
            || feed.page.more
            || known.is_none_or(|known| through >= known.through + UNTOLD_MAX);
        feeds.insert(journal.name().to_owned(), feed);
    }
    Ok((feeds, is_news))
}

async fn feed(journal: Journal, pull: &Pull, cursor: &Cursor) -> Result<Feed, Problem> {
    let applied = applied(journal, &pull.node, &cursor.epoch).await?;
    let applied = applied.map(|(position, _)| position).unwrap_or_default();
    let epoch = journal.epoch().await?;
    let known = cursor.feed.as_ref().filter(|known| known.epoch == epoch);
    if has_lost(journal, pull, cursor, known, &applied).await? {
        eprintln!(
            "{}: node {} knows more of this journal, or another one: the disk here was restored. Another \
             epoch begins, and everything is compared again",
            journal.name(),
            pull.node
        );
        journal.renew(epoch.clone()).await?;
    }
    let epoch = journal.epoch().await?;
    let known = known.filter(|known| known.epoch == epoch);
    let after = known.map_or(0, |known| known.through);
    let serves = pull.serves.iter().chain([&pull.node]).cloned().collect();
    let audience = Audience {
        node: pull.node.clone(),
        origin: origin(&pull.node, &cursor.epoch),
        above: false,
        serves,
    };
    let page = journal.entries(audience, after, None, BATCH_ENTRIES_MAX).await?;
    let mut page = told_page(epoch, page);
    page.bookmark.last = page.entries.last().map(|entry| entry.place());
    page.bookmark.last = page.bookmark.last.or_else(|| known.and_then(|known| known.last.clone()));
    Ok(Feed { applied, page })
}

/// Whether a node below knows that this journal was longer once, or that it was another one.
async fn has_lost(
    journal: Journal,
    pull: &Pull,
    cursor: &Cursor,
    known: Option<&Bookmark>,
    applied: &Position,
) -> Result<bool, Problem> {
    if let Some(known) = known {
        if known.through > journal.head().await? {
            return Ok(true);
        }
        if let Some(last) = &known.last {
            let entry = journal.find(last.sequence).await?;
            if entry.is_some_and(|entry| entry.mark() != last.mark) {
                return Ok(true);
            }
        }
    }
    let Some(held) = cursor.held.as_ref().filter(|held| !applied.has(held.sequence)) else {
        return Ok(false);
    };
    // Told once: the node may ask again before it knows what this one has now.
    let note = format!("lost:{}:{}", pull.node, cursor.epoch);
    let text = held.sequence.to_string();
    if journal.note(note.clone()).await?.as_ref() == Some(&text) {
        return Ok(false);
    }
    journal.set_note(note, text).await?;
    Ok(true)
}

fn told_page(epoch: String, page: StoredPage) -> Page {
    let bookmark = Bookmark { epoch, through: page.through, last: None };
    Page { bookmark, entries: page.entries, more: page.more }
}

/// What a node has told of itself.
async fn told(node: &str) -> Result<Below, Problem> {
    let text = Journal::Progress.note(below_note(node)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Remembers what a node tells of itself.
async fn hear(pull: &Pull) -> Result<(), Problem> {
    let now = node::now();
    let known = told(&pull.node).await?;
    let is_old = now.saturating_sub(known.heard) > HEARD_EVERY_US;
    if !is_old && known.serves == pull.serves && known.health == pull.health {
        return Ok(());
    }
    let below = Below {
        serves: pull.serves.clone(),
        heard: now,
        skew: pull.now.saturating_sub(now),
        health: pull.health.clone(),
    };
    let text = serde_json::to_string(&below).map_err(Problem::internal)?;
    match Journal::Progress.set_note(below_note(&pull.node), text).await {
        // A full disk keeps nobody from reading.
        Err(Error::Full) => Ok(()),
        noted => Ok(noted?),
    }
}

/// `POST /sync/v1/record`: what there is about a subject, here or further up.
pub async fn record(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let inquiry = Inquiry::parse(&bytes).map_err(refused)?;
    same_node(&sender, &inquiry.node)?;
    let journal = named(&inquiry.journal)?;
    journal.follow(sender, inquiry.subject.clone()).await?;
    if inquiry.after == 0 {
        from_above(journal, &inquiry.subject).await?;
    }
    let epoch = journal.epoch().await?;
    let page = journal.about(inquiry.subject, inquiry.after).await?;
    Reply::json(&told_page(epoch, page))
}

/// Gets what is further up about a subject, if that can be had within a moment; otherwise a round will.
pub async fn from_above(journal: Journal, subject: &str) -> Result<(), Problem> {
    let Some(upstream) = Upstream::configured().await? else { return Ok(()) };
    if !pull::follow(journal, subject).await? {
        return Ok(());
    }
    let link = round::Link::load(&upstream.url).await?;
    if link.node.is_empty() || link.failing_since.is_some() {
        return Ok(());
    }
    match pull::record(&upstream, &link.node, journal, subject, RECORD).await {
        Err(crate::push::Halt::Here(problem)) => Err(problem),
        _ => Ok(()),
    }
}

/// `POST /sync/v1/blobs`: bytes of blobs, in the order asked for.
pub async fn blobs(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let request = Pieces::parse(&bytes).map_err(refused)?;
    same_node(&sender, &request.node)?;
    for piece in &request.pieces {
        let found = packages::read_blob(piece.hash.clone(), piece.start, 1).await?;
        if found.is_none() {
            return Err(Problem::not_found(format!("there is no blob {} here", piece.hash)));
        }
    }
    let length = request.pieces.iter().map(|piece| piece.length).sum();
    Ok(Reply::stream(StatusCode::OK, length, outflow::of(request.pieces)))
}

/// The node whose token the request carries; 401 or 403 otherwise.
async fn sender(headers: &HeaderMap) -> Result<String, Problem> {
    match identity::verify_authorization(headers).await?.subject {
        Subject::Node { id } => Ok(id),
        _ => Err(Problem::forbidden("only nodes replicate: use a node's token")),
    }
}

/// A token is good for the node it was given to.
fn same_node(sender: &str, claimed: &str) -> Result<(), Problem> {
    if sender == claimed {
        return Ok(());
    }
    let detail = format!("the token is that of node {sender:?}, the message of node {claimed:?}");
    Err(Problem { internal: Some(detail.clone()), ..Problem::forbidden(detail) })
}

fn named(journal: &str) -> Result<Journal, Problem> {
    let unknown = || Problem::bad_request(format!("this node has no journal {journal:?}"));
    Journal::named(journal).ok_or_else(unknown)
}

fn refused(error: WireError) -> Problem {
    let problem = match error {
        WireError::TooMany(_) => Problem::too_large(error.to_string()),
        _ => Problem::bad_request(error.to_string()),
    };
    Problem { internal: Some(error.to_string()), ..problem }
}
