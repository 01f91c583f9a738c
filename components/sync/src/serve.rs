//! What this node does for the nodes below it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hedgeschool_credentials::Subject;
use hedgeschool_redis::changed;
use hedgeschool_replication::pace::APPLYING_BYTES_MAX;
use hedgeschool_replication::recognise::is_missed;
use hedgeschool_replication::wire::{
    Applied, BATCH_BYTES, BODY_BYTES_MAX, Batch, Bookmark, Cursor, Feed, Inquiry, Page, Pieces,
    Pull, Pulled, Record, WAIT_MS_MAX, WireError,
};
use hedgeschool_replication::{Position, Protocol, Turn};
use hedgeschool_web::{HeaderMap, Problem, Reply, Request, StatusCode, body, header, identity};

use crate::ingest::{self, Ticket};
use crate::link::Link;
use crate::news::{self, Watch};
use crate::node;
use crate::place::Place;
use crate::pull::{self, RECORD};
use crate::stores::{
    Advance, Audience, Error, Journal, Page as StoredPage, PeerAdvance, PeerState, origin, packages,
};
use crate::upstream::Upstream;
use crate::{outflow, withheld};

/// Streams of blobs that an instance sends at one time: each holds a piece in memory.
const SENDING_MAX: usize = 32;

thread_local! {
    static APPLYING: Cell<usize> = const { Cell::new(0) };
    static SENDING: Cell<usize> = const { Cell::new(0) };
}

/// `POST /sync/v1/entries`: applies a batch, all or nothing, and answers how far the journal is
/// applied.
pub async fn entries(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let length = header(request.headers(), "content-length").and_then(|text| text.parse().ok());
    let length: usize = length.unwrap_or(BODY_BYTES_MAX);
    let Some(place) = Place::take_several(&APPLYING, length, APPLYING_BYTES_MAX) else {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too much at once: try again");
        return Err(problem.with_header("retry-after", "2"));
    };
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let batch = Batch::parse(&bytes).map_err(refused)?;
    same_node(&sender, &batch.node)?;
    let journal = named(&batch.journal)?;
    let batch = match ingest::queue().await? {
        None => batch,
        Some(queue) => {
            let ticket = Ticket::of(journal, &batch);
            drop(batch);
            if let Some(waiting) = ingest::submit(queue, ticket, &bytes).await? {
                drop((bytes, place));
                return waiting.answer().await;
            }
            Batch::parse(&bytes).map_err(refused)?
        }
    };
    drop(bytes);
    let (status, applied) = apply(journal, batch).await?;
    Ok(Reply::json(&applied)?.with_status(status))
}

/// Applies a batch of the node that it names.
pub async fn apply(journal: Journal, batch: Batch) -> Result<(StatusCode, Applied), Problem> {
    let leg = batch.leg();
    let leads_to = leg.leads_to().map_err(|_| refused(WireError::Order))?;
    let Batch { node: sender, epoch, above, heard, entries, .. } = batch;
    let PeerState { epoch: here, told, applied: position, .. } =
        journal.read_peer_state(sender.clone(), epoch.clone()).await?;
    if !told.is_all_heard(&here, above.as_deref(), &heard) {
        let detail = "this is for a journal that is not here any more: ask for news first";
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail));
    }
    match leg.turn(&position) {
        Turn::Done => return Ok((StatusCode::OK, Applied { position })),
        Turn::Past => return Ok((StatusCode::CONFLICT, Applied { position })),
        Turn::Now | Turn::Early => {}
    }
    let below = node::told(&sender).await?.serves;
    let stored = crate::stores::Batch {
        peer: origin(&sender, &epoch),
        scope: Some(below.into_iter().chain([sender.clone()]).collect()),
        advance: advance(&sender, &epoch, &leg.before, &leads_to),
        entries,
    };
    // If it is early, that waits for a moment.
    match journal.apply(stored).await {
        Ok(()) => {
            changed(journal.name());
            return Ok((StatusCode::OK, Applied { position: leads_to }));
        }
        Err(Error::Moved) => {}
        Err(error) => return Err(error.into()),
    }
    let position = journal.peer_position(sender, epoch).await?;
    match leg.turn(&position) {
        Turn::Done => Ok((StatusCode::OK, Applied { position })),
        Turn::Early | Turn::Past => Ok((StatusCode::CONFLICT, Applied { position })),
        Turn::Now => Err(Problem::busy()),
    }
}

/// Moves a position here; where nothing is applied yet, there is none.
fn advance(node: &str, epoch: &str, before: &Position, after: &Position) -> Advance {
    let is_beginning = *before == Position::default();
    Advance::Peer(PeerAdvance {
        node: node.to_owned(),
        epoch: epoch.to_owned(),
        before: (!is_beginning).then(|| before.clone().into()),
        after: after.clone().into(),
    })
}

/// `POST /sync/v1/pull`: what this node has of and for the asking one; waits for news if asked to.
pub async fn pull(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let pull = Pull::parse(&bytes).map_err(refused)?;
    same_node(&sender, &pull.node)?;
    node::hear(&pull).await?;
    let wait = Duration::from_millis(pull.wait_ms.min(WAIT_MS_MAX));
    let watch = if wait.is_zero() { None } else { Watch::begin(&pull).await? };
    let (pulled, is_news) = pulled(&pull).await?;
    match watch {
        Some(watch) if !is_news => Ok(news::reply(pull, pulled, watch, Instant::now() + wait)),
        _ => Reply::json(&pulled),
    }
}

/// The answer to a pull as of now, and whether it is worth one.
pub async fn pulled(pull: &Pull) -> Result<(Pulled, bool), Problem> {
    let (journals, is_news) = feeds(pull).await?;
    let pulled = Pulled {
        node: node::id().await?,
        now: node::now(),
        protocol: Protocol::OURS,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        journals,
    };
    Ok((pulled, is_news))
}

/// What there is for a node, and whether that is worth an answer.
async fn feeds(pull: &Pull) -> Result<(BTreeMap<String, Feed>, bool), Problem> {
    let asked = Journal::ALL.into_iter().filter_map(|journal| {
        let cursor = pull.journals.get(journal.name())?;
        Some(async move { Ok::<_, Problem>((journal, cursor, feed(journal, pull, cursor).await?)) })
    });
    let mut feeds = BTreeMap::new();
    let mut is_news = false;
    for (journal, cursor, feed) in try_join_all(asked).await? {
        let Page { bookmark, entries, more } = &feed.page;
        is_news |= feed.forgot;
        is_news |= *more || bookmark.is_noted(cursor.feed.as_ref(), entries.is_empty());
        feeds.insert(journal.name().to_owned(), feed);
    }
    Ok((feeds, is_news))
}

async fn feed(journal: Journal, pull: &Pull, cursor: &Cursor) -> Result<Feed, Problem> {
    let state = recognised(journal, &pull.node, cursor).await?;
    let known = cursor.feed.as_ref().filter(|known| known.epoch == state.epoch);
    let after = known.map_or(0, |known| known.through);
    let page = if after < state.head {
        let serves = pull.serves.iter().chain([&pull.node]).cloned().collect();
        let audience = Audience {
            node: pull.node.clone(),
            origin: origin(&pull.node, &cursor.epoch),
            above: false,
            serves,
        };
        journal.entries(audience, after, None, BATCH_BYTES).await?
    } else {
        StoredPage { entries: Vec::new(), through: after, more: false }
    };
    let StoredPage { mut entries, through, more } = page;
    let protocol = pull.health.protocol;
    let withheld = protocol.withhold(journal.name(), &mut entries);
    withheld::remember(journal, &pull.node, protocol, &state.withheld, withheld).await?;
    let mut bookmark = Bookmark { epoch: state.epoch, through, receipt: String::new() };
    if bookmark.is_noted(known, entries.is_empty()) {
        bookmark = journal.issue_token(pull.node.clone(), bookmark.epoch, through).await?;
    }
    let page = Page { bookmark, entries, more };
    Ok(Feed { applied: state.applied, page, forgot: cursor.follows > state.followed })
}

/// Looks whether a node below knows that the disk here was restored; then the journal has another
/// epoch.
async fn recognised(journal: Journal, node: &str, cursor: &Cursor) -> Result<PeerState, Problem> {
    let state = journal.read_peer_state(node.to_owned(), cursor.epoch.clone()).await?;
    let missed = is_missed(cursor.held.as_ref(), &state.applied, state.missed);
    if let Some(missed) = missed {
        journal.set_missed(node.to_owned(), cursor.epoch.clone(), missed).await?;
    }
    let Some(after) = cursor.unknown(&state.epoch, &state.told, missed.is_some()) else {
        return Ok(state);
    };
    eprintln!(
        "{}: node {node} knows more of this journal, or another one: the disk here was restored. \
         Another epoch begins, and everything is compared again",
        journal.name(),
    );
    journal.begin_epoch(state.epoch, after).await?;
    Ok(journal.read_peer_state(node.to_owned(), cursor.epoch.clone()).await?)
}

/// `POST /sync/v1/record`: what there is about a subject, here or further up.
pub async fn record(request: Request) -> Result<Reply, Problem> {
    let sender = sender(request.headers()).await?;
    let bytes = body::read(request, BODY_BYTES_MAX).await?;
    let inquiry = Inquiry::parse(&bytes).map_err(refused)?;
    same_node(&sender, &inquiry.node)?;
    let journal = named(&inquiry.journal)?;
    journal.follow(sender.clone(), inquiry.subject.clone()).await?;
    if inquiry.after == 0 {
        from_above(journal, &inquiry.subject).await?;
    }
    let PeerState { epoch, .. } = recognised(journal, &sender, &inquiry.cursor).await?;
    let mut page = journal.about(inquiry.subject, inquiry.after).await?;
    // The node asks again for all that it follows when it is upgraded.
    let protocol = node::told(&sender).await?.health.protocol;
    protocol.withhold(journal.name(), &mut page.entries);
    let bookmark = journal.issue_token(sender, epoch, journal.head().await?).await?;
    let next = page.more.then_some(page.through);
    Reply::json(&Record { bookmark, entries: page.entries, next })
}

/// Gets what is further up about a subject, if that can be had within a moment; otherwise a round
/// will.
pub async fn from_above(journal: Journal, subject: &str) -> Result<(), Problem> {
    let Some(upstream) = Upstream::configured().await? else { return Ok(()) };
    if !pull::follow(journal, subject).await? {
        return Ok(());
    }
    let link = Link::load(&upstream.url).await?;
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
    let Some(place) = Place::take(&SENDING, SENDING_MAX) else {
        let problem =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many fetch blobs: try again");
        return Err(problem.with_header("retry-after", "1"));
    };
    let hashes = request.pieces.iter().map(|piece| piece.hash.clone()).collect();
    if let Some(hash) = packages::missing_blob(hashes).await? {
        return Err(Problem::not_found(format!("there is no blob {hash} here")));
    }
    let length = request.pieces.iter().map(|piece| piece.length).sum();
    Ok(Reply::stream(StatusCode::OK, length, outflow::of(request.pieces, place)))
}

/// The node whose token the request carries; 401 or 403 otherwise.
pub async fn sender(headers: &HeaderMap) -> Result<String, Problem> {
    match identity::verify_authorization(headers).await?.subject {
        Subject::Node { id } => Ok(id),
        _ => Err(Problem::forbidden("only nodes replicate: use a node's token")),
    }
}

/// A token is good for the node it was given to.
pub fn same_node(sender: &str, claimed: &str) -> Result<(), Problem> {
    if sender == claimed {
        return Ok(());
    }
    let detail = format!("the token is that of node {sender:?}, the message of node {claimed:?}");
    Err(Problem { internal: Some(detail.clone()), ..Problem::forbidden(detail) })
}

/// The journal of this name; 400 for another one.
pub fn named(journal: &str) -> Result<Journal, Problem> {
    let unknown = || Problem::bad_request(format!("this node has no journal {journal:?}"));
    Journal::named(journal).ok_or_else(unknown)
}

/// What to answer to a message that breaks a rule.
pub fn refused(error: WireError) -> Problem {
    let problem = match error {
        WireError::TooMany(_) => Problem::too_large(error.to_string()),
        _ => Problem::bad_request(error.to_string()),
    };
    Problem { internal: Some(error.to_string()), ..problem }
}
