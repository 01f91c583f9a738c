//! A node's rounds with the one above, message by message. The decisions are the crate's.

use hedgeschool_replication::recognise::is_missed;
use hedgeschool_replication::wire::Bookmark;
use hedgeschool_replication::{Answer, Applying, Lane, Moved, Next, Position, Push, Span, WINDOW};

use crate::store::{Item, Sent, Store};

/// What goes up.
#[derive(Clone, Debug)]
pub enum Request {
    Pull {
        epoch: u32,
        feed: Option<Bookmark>,
        held: Option<hedgeschool_replication::Place>,
        /// How many learners the asker follows.
        follows: usize,
    },
    Batch {
        epoch: u32,
        before: Position,
        lane: Lane,
        span: Span,
        entries: Vec<Sent>,
    },
    Record {
        learner: u64,
    },
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
    Batch(Answer),
    Record {
        epoch: u32,
        entries: Vec<Sent>,
    },
    Failed,
}

/// A round. A node may be in two: its ticker's, and one that somebody asked for.
#[derive(Clone, Debug, Default)]
pub struct Round {
    pub push: Option<(u32, Push)>,
    pub underway: usize,
    pub is_pulling: bool,
    /// How the node above is known to have read: when it was asked.
    pub is_greeted: bool,
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
}

/// What a node asks the one above for at the beginning of a round, or while it waits for news.
pub fn pull(store: &Store) -> Request {
    let link = store.link.as_ref().filter(|(epoch, _)| *epoch == store.epoch);
    let held = link.map(|(_, position)| position.through.clone());
    let held = held.filter(|held| held.sequence > 0);
    let follows = followed(store, above_all()).count() - store.wanted.len();
    Request::Pull { epoch: store.epoch, feed: store.feed.clone(), held, follows }
}

/// The next batch of a round.
pub fn next_batch(
    store: &mut Store,
    round: &mut Round,
    above: usize,
    size: usize,
) -> Option<Request> {
    let (epoch, push) = round.push.as_mut()?;
    if *epoch != store.epoch || round.underway >= WINDOW {
        return None;
    }
    let theirs = (above, epoch_above(store));
    loop {
        let want = push.want(store.head())?;
        let (entries, through) = store.page(want.from, want.until, size, theirs, |_| true);
        let Some(last) = entries.last() else {
            push.nothing(&want, through);
            continue;
        };
        let span = Span { after: want.after, through: last.place() };
        let before = push.before().clone();
        push.sent(want.lane, before.with(want.lane, span.clone()).unwrap());
        let sent = store.sent.entry(*epoch).or_default();
        *sent = (*sent).max(span.through.sequence);
        round.underway += 1;
        return Some(Request::Batch { epoch: *epoch, before, lane: want.lane, span, entries });
    }
}

fn epoch_above(store: &Store) -> u32 {
    store.feed.as_ref().map_or(0, |feed| u32::from_str_radix(&feed.epoch, 16).unwrap())
}

/// The node above answers.
pub fn serve(store: &mut Store, from: usize, request: &Request, epochs: &mut Epochs) -> Reply {
    match request {
        Request::Pull { epoch, feed, held, follows } => {
            let applied = store.applied.get(&(from, *epoch)).cloned().unwrap_or_default();
            let told = tell(store, (from, *epoch), feed.as_ref(), held.as_ref(), applied, epochs);
            let forgot = *follows > followed(store, from).count();
            let Reply::Pulled { applied, bookmark, entries, .. } = told else { return told };
            Reply::Pulled { applied, bookmark, entries, forgot }
        }
        Request::Batch { epoch, before, lane, span, entries } => {
            let applying = Applying::new(before.clone(), *lane, span.clone());
            Reply::Batch(apply(store, (from, *epoch), applying, entries))
        }
        Request::Record { learner } => {
            store.follows.insert((from, *learner));
            let about = |item: &Item| item.learner() == Some(*learner);
            let (entries, _) = store.page(0, u64::MAX, usize::MAX, (usize::MAX, 0), about);
            Reply::Record { epoch: store.epoch, entries }
        }
    }
}

fn tell(
    store: &mut Store,
    reader: (usize, u32),
    feed: Option<&Bookmark>,
    held: Option<&hedgeschool_replication::Place>,
    applied: Position,
    epochs: &mut Epochs,
) -> Reply {
    const PAGE: usize = 7;
    let epoch = Epochs::name(store.epoch);
    let known = feed.filter(|feed| feed.epoch == epoch);
    let told = store.told.get(&(reader.0, store.epoch)).copied().unwrap_or(0);
    let is_of = |known: &&Bookmark| known.is_of(store.known(told, known.last.iter().cloned()));
    let is_other = !known.as_ref().is_none_or(is_of);
    let missed = is_missed(held, &applied, store.missed.get(&reader).copied());
    if !is_other && let Some(missed) = missed {
        store.missed.insert(reader, missed);
    }
    if is_other || missed.is_some() {
        store.renew(epochs.next(), told, Epochs::name);
    }
    let epoch = Epochs::name(store.epoch);
    let known = known.filter(|known| known.epoch == epoch);
    let after = known.map_or(0, |known| known.through);
    let follows = store.follows.clone();
    let concerns = |item: &Item| match item.learner() {
        None => true,
        Some(learner) => follows.contains(&(reader.0, learner)),
    };
    let (entries, through) = store.page(after, store.head(), PAGE, reader, concerns);
    let told = store.told.entry((reader.0, store.epoch)).or_default();
    *told = (*told).max(through);
    let last = entries.last().map(Sent::place);
    let last = last.or_else(|| known.and_then(|known| known.last.clone()));
    let bookmark = Bookmark { epoch, through, last };
    Reply::Pulled { applied, bookmark, entries, forgot: false }
}

fn apply(
    store: &mut Store,
    sender: (usize, u32),
    mut applying: Applying,
    entries: &[Sent],
) -> Answer {
    loop {
        let Ok((from, next)) = applying.step() else {
            return Answer::Gap(applying.from().clone());
        };
        let position = store.applied.get(&sender).cloned().unwrap_or_default();
        if *from == position {
            store.apply(entries, sender);
            store.applied.insert(sender, next.clone());
            return Answer::Applied(next);
        }
        match applying.moved(position) {
            Moved::Again(again) => applying = again,
            Moved::Applied(position) => return Answer::Applied(position),
            Moved::Busy => return Answer::Busy(std::time::Duration::from_secs(1)),
        }
    }
}

/// Takes an answer. False: the round is over.
pub fn take(
    store: &mut Store,
    round: &mut Round,
    above: usize,
    request: &Request,
    reply: Reply,
    epochs: &mut Epochs,
) -> bool {
    match (request, reply) {
        (
            Request::Pull { epoch, feed, .. },
            Reply::Pulled { applied, bookmark, entries, forgot },
        ) => {
            round.is_pulling = false;
            if forgot {
                store.wanted = followed(store, above_all()).collect();
            }
            turn(store, above, feed.as_ref(), bookmark, &entries);
            if !std::mem::replace(&mut round.is_greeted, true) {
                greeted(store, round, *epoch, applied, epochs);
            }
            true
        }
        (Request::Batch { epoch, span, .. }, Reply::Batch(answer)) => {
            round.underway -= 1;
            let Some((current, push)) = &mut round.push else { return false };
            if current != epoch || push.answered(span, answer) != Next::Continue {
                return false;
            }
            store.link = Some((*epoch, push.acknowledged().clone()));
            true
        }
        (Request::Record { learner }, Reply::Record { epoch, entries }) => {
            store.apply(&entries, (above, epoch));
            store.wanted.remove(learner);
            true
        }
        _ => false,
    }
}

/// What was read of the journal above is applied, unless another round has been faster.
fn turn(
    store: &mut Store,
    above: usize,
    asked: Option<&Bookmark>,
    bookmark: Bookmark,
    entries: &[Sent],
) {
    let Some(turned) = bookmark.turned(asked, entries.is_empty()) else { return };
    if store.feed.as_ref() != asked {
        return;
    }
    if turned.follows_again {
        store.wanted = followed(store, above_all()).collect();
    }
    store.apply(entries, (above, u32::from_str_radix(&bookmark.epoch, 16).unwrap()));
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
    applied: Position,
    epochs: &mut Epochs,
) {
    if epoch != store.epoch {
        return;
    }
    if let Some((known, then)) = &store.link
        && *known == epoch
        && then.is_lost(&applied)
    {
        store.feed = None;
    }
    let sent = store.sent.get(&epoch).copied().unwrap_or(0);
    let known = store.known(sent, applied.places().cloned());
    let push = Push::greeted(applied, known).unwrap_or_else(|| {
        store.renew(epochs.next(), sent, Epochs::name);
        store.feed = None;
        Push::from_the_beginning(store.head())
    });
    store.link = Some((store.epoch, push.acknowledged().clone()));
    round.push = Some((store.epoch, push));
}
