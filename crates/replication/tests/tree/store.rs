//! A store in memory that keeps what the real ones keep: a journal, statements, documents,
//! conflicts, notes.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::tokens::{IssuedTokens, TOKENS_MAX};
use hedgeschool_replication::wire::{Bookmark, Cursor};
use hedgeschool_replication::{Position, Stamp, Version, VersionVector, Winner, hlc, merge};

use crate::node::Epochs;

/// Names a node's copy of a journal.
pub type Origin = (usize, u32);
/// How many learners statements are about.
pub const LEARNERS: u64 = 3;

/// What an entry is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    Statement(u64),
    Document(u8),
    /// A change that lost, to this document.
    Conflict(u8, u64),
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Statement(u64),
    Document(u8, Document),
    Conflict(u8, u64),
}

/// Each change writes another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub value: u64,
    pub version: Version,
}

/// A thing, where it is in the journal, and whom it came from.
#[derive(Clone, Debug)]
struct Held {
    item: Item,
    sequence: u64,
    peer: Option<Origin>,
}

/// An entry on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    pub sequence: u64,
    pub item: Item,
}

#[derive(Clone, Debug, Default)]
pub struct Store {
    pub epoch: u32,
    held: BTreeMap<Key, Held>,
    journal: BTreeMap<u64, Key>,
    /// Nodes below, and what they follow; this node's own number stands for itself.
    pub follows: BTreeSet<(usize, u64)>,
    /// How far journals of nodes below are applied.
    pub applied: BTreeMap<Origin, Position>,
    /// How far the journal of the node above was read.
    pub feed: Option<Bookmark>,
    /// What else was heard of it.
    pub heard: Vec<Bookmark>,
    /// What nodes below were told of it, and what the one above was sent, by epoch: how far and
    /// with which token, in order.
    told: BTreeMap<(usize, String), Vec<(u64, String)>>,
    /// What a node below missed last.
    pub missed: BTreeMap<Origin, u64>,
    /// How far the node above had the journal, and in which epoch.
    pub link: Option<(u32, Position)>,
    /// Learners whose record is still to come.
    pub wanted: BTreeSet<u64>,
}

impl Store {
    pub fn new(epoch: u32) -> Self {
        Self { epoch, ..Self::default() }
    }

    pub fn head(&self) -> u64 {
        // As SQLite numbers rows: one more than the largest.
        self.journal.last_key_value().map_or(0, |(last, _)| *last)
    }

    fn put(&mut self, key: Key, item: Item, peer: Option<Origin>) {
        let sequence = self.head() + 1;
        self.journal.insert(sequence, key);
        if let Some(before) = self.held.insert(key, Held { item, sequence, peer }) {
            self.journal.remove(&before.sequence);
        }
    }

    pub fn record_statement(&mut self, id: u64) {
        self.put(Key::Statement(id), Item::Statement(id), None);
    }

    pub fn document(&self, key: u8) -> Option<&Document> {
        match &self.held.get(&Key::Document(key))?.item {
            Item::Document(_, document) => Some(document),
            _ => None,
        }
    }

    /// Somebody changes a document. Answers the value it was made upon.
    pub fn write_document(
        &mut self,
        key: u8,
        value: u64,
        clock: Stamp,
        writer: String,
    ) -> Option<u64> {
        let before = self.document(key).cloned();
        let stamp = hlc::next_stamp(clock, before.as_ref().map(|before| before.version.stamp));
        let mut seen =
            before.as_ref().map(|before| before.version.seen.clone()).unwrap_or_default();
        seen.0.insert(writer.clone(), stamp);
        let document = Document { value, version: Version { stamp, writer, seen } };
        self.put(Key::Document(key), Item::Document(key, document), None);
        before.map(|before| before.value)
    }

    /// Applies entries: what is here already stays as it is.
    pub fn apply(&mut self, entries: &[Sent], peer: Origin) {
        for sent in entries {
            match &sent.item {
                Item::Statement(id) => self.add(Key::Statement(*id), &sent.item, peer),
                Item::Conflict(key, value) => {
                    self.add(Key::Conflict(*key, *value), &sent.item, peer);
                }
                Item::Document(key, document) => self.merge(*key, document, peer),
            }
        }
    }

    fn add(&mut self, key: Key, item: &Item, peer: Origin) {
        if !self.held.contains_key(&key) {
            self.put(key, item.clone(), Some(peer));
        }
    }

    fn merge(&mut self, key: u8, arriving: &Document, peer: Origin) {
        let place = Key::Document(key);
        let Some(here) = self.document(key).cloned() else {
            return self.put(place, Item::Document(key, arriving.clone()), Some(peer));
        };
        let merged = merge(&here.version, &arriving.version);
        if merged.version == here.version {
            return;
        }
        let (stands, loses) = match merged.winner {
            Winner::Here => (&here, arriving),
            Winner::Arriving => (arriving, &here),
        };
        let is_lost = merged.is_conflict && stands.value != loses.value;
        let document = Document { value: stands.value, version: merged.version };
        // What is made of two versions is new to both who made them.
        let peer = (document.version == arriving.version).then_some(peer);
        self.put(place, Item::Document(key, document), peer);
        if is_lost {
            let conflict = Key::Conflict(key, loses.value);
            if !self.held.contains_key(&conflict) {
                self.put(conflict, Item::Conflict(key, loses.value), None);
            }
        }
    }

    /// Begins another epoch: what was changed here after a sequence becomes the new one's.
    pub fn renew(&mut self, fresh: u32, after: u64, name: impl Fn(u32) -> String) {
        let (old, new) = (name(self.epoch), name(fresh));
        let mut claimed = Vec::new();
        for (key, held) in &self.held {
            if let (Item::Document(number, document), true) =
                (&held.item, held.sequence > after && held.peer.is_none())
                && document.version.writer == old
            {
                let mut document = document.clone();
                let VersionVector(seen) = &mut document.version.seen;
                seen.remove(&old);
                seen.insert(new.clone(), document.version.stamp);
                document.version.writer = new.clone();
                claimed.push((*key, Item::Document(*number, document)));
            }
        }
        claimed.into_iter().for_each(|(key, item)| self.put(key, item, None));
        self.epoch = fresh;
    }

    fn sent(&self, sequence: u64, key: &Key) -> Sent {
        Sent { sequence, item: self.held[key].item.clone() }
    }

    /// Entries after one sequence and through another that are for somebody: none that came from
    /// there.
    pub fn page(
        &self,
        after: u64,
        until: u64,
        size: usize,
        origin: Origin,
        concerns: impl Fn(&Item) -> bool,
    ) -> (Vec<Sent>, u64) {
        let mut entries = Vec::new();
        for (sequence, key) in self.journal.range(after + 1..).take_while(|(at, _)| **at <= until) {
            let held = &self.held[key];
            if held.peer == Some(origin) || !concerns(&held.item) {
                continue;
            }
            entries.push(self.sent(*sequence, key));
            if entries.len() == size {
                return (entries, *sequence);
            }
        }
        (entries, until.max(after))
    }

    /// Everything, and where it came from.
    pub fn all(&self) -> impl Iterator<Item = (&Item, Option<Origin>)> {
        self.held.values().map(|held| (&held.item, held.peer))
    }

    pub fn has(&self, key: Key) -> bool {
        self.held.contains_key(&key)
    }

    /// Takes note that a node is told of this journal, and answers the bookmark that it gets.
    pub fn issue_token(&mut self, node: usize, through: u64, token: u32) -> Bookmark {
        let (epoch, token) = (Epochs::name(self.epoch), format!("r{token}"));
        let told = self.told.entry((node, epoch.clone())).or_default();
        told.push((through, token.clone()));
        told.sort();
        let dropped = told.len().saturating_sub(TOKENS_MAX as usize + 1);
        if dropped > 0 {
            told.drain(..dropped);
            told[0].1.clear();
        }
        Bookmark { epoch, through, token }
    }

    pub fn tokens_issued_to(&self, node: usize) -> IssuedTokens {
        let of_node = self.told.iter().filter(|((to, _), _)| *to == node);
        let tokens = of_node.flat_map(|((_, epoch), given)| {
            given.iter().map(|(through, token)| Bookmark {
                epoch: epoch.clone(),
                through: *through,
                token: token.clone(),
            })
        });
        IssuedTokens(tokens.collect())
    }

    /// An answer leads to a bookmark: what was shown for it, and is covered by it, need not be
    /// shown again.
    pub fn cover(&mut self, bookmark: &Bookmark, asked: &Cursor) {
        self.heard.retain(|heard| !(asked.heard.contains(heard) && bookmark.supersedes(heard)));
    }

    /// Reads the journal above from its beginning.
    pub fn forget(&mut self) {
        self.heard.extend(self.feed.take());
    }
}

impl Item {
    /// Whom a statement is about.
    pub fn learner(&self) -> Option<u64> {
        match self {
            Self::Statement(id) => Some(id % LEARNERS),
            _ => None,
        }
    }
}
