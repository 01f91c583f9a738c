//! A node's rounds with the one above, message by message. The decisions are the crate's.

use hedgeschool_replication::tokens::{IssuedTokens, missing_sequence};
use hedgeschool_replication::wire::{Bookmark, Cursor};
use hedgeschool_replication::{
    Admission, BatchOutcome, BatchRange, Checkpoint, NextStep, Position, Push, WINDOW,
};

use crate::store::{Item, Sent, Store};

/// What goes up.
#[derive(Clone, Debug)]
pub enum Request {
    Pull(Cursor),
    Batch { epoch: u32, range: BatchRange, theirs: u32, heard: Vec<Bookmark>, entries: Vec<Sent> },
    Record { learner: u64, cursor: Cursor },
}

/// What comes down.
#[derive(Clone, Debug)]
pub enum Reply {
    Pulled {
        applied: Position,
        bookmark: Bookmark,
        entries: Vec<Sent>,
        /// Some of whom the asker follows are not known any more.
        forgot: bool,
    },
    Batch(BatchOutcome),
    Record {
        bookmark: Bookmark,
        entries: Vec<Sent>,
    },
    Failed,
}

/// A round. A node may be in two: its ticker's, and one that somebody asked for.
#[derive(Clone, Debug, Default)]
pub struct Round {
    pub push: Option<Outbox>,
    pub underway: usize,
    pub is_pulling: bool,
    /// How the node above is known to have read: when it was asked.
    pub is_greeted: bool,
}

/// The journal on its way up.
#[derive(Clone, Debug)]
pub struct Outbox {
    /// Its epoch.
    epoch: u32,
    /// The journal above: what came from there stays here.
    theirs: u32,
    push: Push,
}

/// Numbers for epochs, and how they are called.
#[derive(Clone, Debug, Default)]
pub struct Epochs(u32);

impl Epochs {
    pub fn next(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }

    pub fn name(epoch: u32) -> String {
        format!("{epoch:08x}")
    }

    fn number(name: &str) -> u32 {
        u32::from_str_radix(name, 16).unwrap()
    }
}

/// What a node asks the one above for at the beginning of a round, or while it waits for news.
pub fn pull_request(store: &Store) -> Request {
    Request::Pull(cursor(store))
}

/// Asks for the record of a learner.
pub fn record_request(store: &Store, learner: u64) -> Request {
    Request::Record { learner, cursor: cursor(store) }
}

fn cursor(store: &Store) -> Cursor {
    let link = store.link.as_ref().filter(|(epoch, _)| *epoch == store.epoch);
    let held = link.map(|(_, position)| position.through.clone());
    Cursor {
        epoch: Epochs::name(store.epoch),
        feed: store.feed.clone(),
        heard: store.heard.clone(),
        held: held.filter(|held| held.sequence > 0),
        follows: (followed(store, above_all()).count() - store.wanted.len()) as u64,
    }
}

/// The next batch of a round.
pub fn next_batch(
    store: &mut Store,
    round: &mut Round,
    above: usize,
    size: usize,
    epochs: &mut Epochs,
) -> Option<Request> {
    let Outbox { epoch, theirs, push } = round.push.as_mut()?;
    let heard: Vec<_> = cursor(store).shown_bookmarks().cloned().collect();
    if *epoch != store.epoch || round.underway >= WINDOW {
        return None;
    }
    loop {
        let read = push.next_read(store.head())?;
        let (entries, through) =
            store.page(read.from, read.until, size, (above, *theirs), |_| true);
        let Some(last) = entries.last() else {
            push.record_scanned(&read, through);
            continue;
        };
        let Bookmark { token, .. } = store.issue_token(above_all(), last.sequence, epochs.next());
        let through = Checkpoint { sequence: last.sequence, token };
        let range = push.record_sent(&read, through).unwrap();
        round.underway += 1;
        let (epoch, theirs) = (*epoch, *theirs);
        return Some(Request::Batch { epoch, range, theirs, heard, entries });
    }
}

/// The node above answers.
pub fn serve_request(
    store: &mut Store,
    from: usize,
    request: &Request,
    epochs: &mut Epochs,
) -> Reply {
    match request {
        Request::Pull(cursor) => {
            recognise_copy(store, from, cursor, epochs);
            tell_news(store, from, cursor, epochs)
        }
        Request::Batch { theirs, heard, .. } if !matches_sender(store, from, *theirs, heard) => {
            Reply::Batch(BatchOutcome::Failed("it is another disk".to_owned()))
        }
        Request::Batch { epoch, range, entries, .. } => {
            Reply::Batch(apply_batch(store, (from, *epoch), range, entries))
        }
        Request::Record { learner, cursor } => {
            recognise_copy(store, from, cursor, epochs);
            store.follows.insert((from, *learner));
            let about = |item: &Item| item.learner() == Some(*learner);
            let (entries, _) = store.page(0, u64::MAX, usize::MAX, (usize::MAX, 0), about);
            Reply::Record {
                bookmark: store.issue_token(from, store.head(), epochs.next()),
                entries,
            }
        }
    }
}

fn matches_sender(store: &Store, from: usize, theirs: u32, heard: &[Bookmark]) -> bool {
    let [epoch, above] = [store.epoch, theirs].map(Epochs::name);
    store.tokens_issued_to(from).matches_sender(&epoch, Some(&above), heard)
}

fn applied(store: &Store, from: usize, cursor: &Cursor) -> Position {
    store.applied.get(&(from, Epochs::number(&cursor.epoch))).cloned().unwrap_or_default()
}

/// Begins another epoch if a node below knows of another copy of this journal.
fn recognise_copy(store: &mut Store, from: usize, cursor: &Cursor, epochs: &mut Epochs) {
    let epoch = Epochs::name(store.epoch);
    let told: IssuedTokens = store.tokens_issued_to(from);
    let reader = (from, Epochs::number(&cursor.epoch));
    let applied = applied(store, from, cursor);
    let missed =
        missing_sequence(cursor.held.as_ref(), &applied, store.missed.get(&reader).copied());
    if let Some(missed) = missed {
        store.missed.insert(reader, missed);
    }
    if let Some(after) = cursor.restart_after(&epoch, &told, missed.is_some()) {
        store.renew(epochs.next(), after, Epochs::name);
    }
}

fn tell_news(store: &mut Store, from: usize, cursor: &Cursor, epochs: &mut Epochs) -> Reply {
    const PAGE: usize = 7;
    let epoch = Epochs::name(store.epoch);
    let known = cursor.feed.as_ref().filter(|known| known.epoch == epoch);
    let after = known.map_or(0, |known| known.through);
    let follows = store.follows.clone();
    let concerns = |item: &Item| match item.learner() {
        None => true,
        Some(learner) => follows.contains(&(from, learner)),
    };
    let reader = (from, Epochs::number(&cursor.epoch));
    let (entries, through) = store.page(after, store.head(), PAGE, reader, concerns);
    let mut bookmark = Bookmark { epoch, through, token: String::new() };
    if bookmark.is_recorded(known, entries.is_empty()) {
        bookmark = store.issue_token(from, through, epochs.next());
    }
    Reply::Pulled {
        applied: applied(store, from, cursor),
        bookmark,
        entries,
        forgot: cursor.follows > followed(store, from).count() as u64,
    }
}

fn apply_batch(
    store: &mut Store,
    sender: (usize, u32),
    range: &BatchRange,
    entries: &[Sent],
) -> BatchOutcome {
    let position = store.applied.get(&sender).cloned().unwrap_or_default();
    match range.admission_at(&position) {
        Admission::Apply => {
            let next = range.end_position().unwrap();
            store.apply(entries, sender);
            store.applied.insert(sender, next.clone());
            BatchOutcome::Applied(next)
        }
        Admission::Duplicate => BatchOutcome::Applied(position),
        Admission::OutOfOrder | Admission::Conflict => BatchOutcome::Gap(position),
    }
}

/// Takes an answer. False: the round is over.
pub fn take_reply(
    store: &mut Store,
    round: &mut Round,
    above: usize,
    request: &Request,
    reply: Reply,
    epochs: &mut Epochs,
) -> bool {
    match (request, reply) {
        (Request::Pull(cursor), Reply::Pulled { applied, bookmark, entries, forgot }) => {
            round.is_pulling = false;
            if forgot {
                store.wanted = followed(store, above_all()).collect();
            }
            let theirs = Epochs::number(&bookmark.epoch);
            apply_page(store, above, cursor, bookmark, &entries);
            if !std::mem::replace(&mut round.is_greeted, true) {
                greeted(store, round, Epochs::number(&cursor.epoch), (theirs, applied), epochs);
            }
            true
        }
        (Request::Batch { epoch, range, .. }, Reply::Batch(answer)) => {
            round.underway -= 1;
            let Some(Outbox { epoch: current, push, .. }) = &mut round.push else { return false };
            let is_foreign =
                push.unexpected_position(&answer).is_some_and(|at| !is_own(store, *epoch, at));
            if current != epoch
                || is_foreign
                || push.record_outcome(range, answer) != NextStep::Continue
            {
                return false;
            }
            store.link = Some((*epoch, push.acknowledged().clone()));
            true
        }
        (Request::Record { learner, cursor }, Reply::Record { bookmark, entries }) => {
            let epoch = Epochs::number(&bookmark.epoch);
            store.cover(&bookmark, cursor);
            store.heard.push(bookmark);
            store.apply(&entries, (above, epoch));
            store.wanted.remove(learner);
            true
        }
        _ => false,
    }
}

/// What was read of the journal above is applied, unless another round has been faster.
fn apply_page(
    store: &mut Store,
    above: usize,
    asked: &Cursor,
    bookmark: Bookmark,
    entries: &[Sent],
) {
    let Some(effect) = bookmark.page_effect(asked.feed.as_ref(), entries.is_empty()) else {
        return;
    };
    // A bookmark is that of one epoch here: in another one there is more to read.
    if store.feed != asked.feed || Epochs::name(store.epoch) != asked.epoch {
        return;
    }
    if effect.follows_again {
        store.forget();
        store.wanted = followed(store, above_all()).collect();
    }
    store.apply(entries, (above, Epochs::number(&bookmark.epoch)));
    store.cover(&bookmark, asked);
    store.feed = Some(bookmark);
}

/// The learners whom a node follows.
fn followed(store: &Store, node: usize) -> impl Iterator<Item = u64> {
    store.follows.iter().filter(move |(of, _)| *of == node).map(|(_, learner)| *learner)
}

/// Stands for the node itself among those who follow.
pub fn above_all() -> usize {
    usize::MAX
}

fn greeted(
    store: &mut Store,
    round: &mut Round,
    epoch: u32,
    (theirs, applied): (u32, Position),
    epochs: &mut Epochs,
) {
    if epoch != store.epoch {
        return;
    }
    if let Some((known, then)) = &store.link
        && *known == epoch
        && then.is_lost_by(&applied)
    {
        store.forget();
    }
    let push = if is_own(store, epoch, &applied) {
        Push::begin(applied, store.head())
    } else {
        let sent = store.tokens_issued_to(above_all()).issued_through(&Epochs::name(epoch), None);
        store.renew(epochs.next(), sent, Epochs::name);
        store.forget();
        Push::begin(Position::default(), store.head())
    };
    store.link = Some((store.epoch, push.acknowledged().clone()));
    round.push = Some(Outbox { epoch: store.epoch, theirs, push });
}

fn is_own(store: &Store, epoch: u32, applied: &Position) -> bool {
    store.tokens_issued_to(above_all()).issued_all_of(&Epochs::name(epoch), applied)
}
