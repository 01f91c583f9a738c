//! What a node has to send: of its own learners, or of the nodes below it.

use std::collections::VecDeque;

use crate::city::{City, Content, is_there};
use crate::sizes::Sizes;
use crate::time::Time;

/// A part of a city's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The city's node.
    pub origin: u32,
    pub after: u64,
    pub through: u64,
}

/// Entries that were read.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub pieces: Vec<Piece>,
    pub content: Content,
    pub bytes: u64,
    /// The last one's sequence.
    pub through: u64,
}

/// What came from a node below, as part of this one's journal.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// The sequence here that its first one follows.
    base: u64,
    piece: Piece,
}

/// The journal of a node with others below it. What is applied above is forgotten.
#[derive(Clone, Debug, Default)]
pub struct Relay {
    chunks: VecDeque<Chunk>,
    head: u64,
}

/// Limits of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub entries: u64,
    pub bytes: u64,
}

impl Page {
    /// Takes the sequences of a piece that are there while the limits allow. False: they do not
    /// any more.
    fn take(&mut self, piece: Piece, settled: u64, limits: Limits, sizes: &Sizes) -> (u64, bool) {
        let mut through = piece.after;
        for sequence in piece.after + 1..=piece.through {
            if !is_there(sequence, settled) {
                continue;
            }
            let is_document = sequence.is_multiple_of(2);
            let bytes = if is_document { sizes.document } else { sizes.statement };
            let count = self.content.entries();
            if count >= limits.entries || (count > 0 && self.bytes + bytes > limits.bytes) {
                return (through, false);
            }
            self.bytes += bytes;
            let of_its_kind = if is_document {
                &mut self.content.documents
            } else {
                &mut self.content.statements
            };
            *of_its_kind += 1;
            through = sequence;
        }
        (through, true)
    }
}

/// Reads from a city's journal what follows `from`. Its part of the batch begins after `after`.
pub fn read_city(
    city: &City,
    origin: u32,
    (after, from, until): (u64, u64, u64),
    now: Time,
    limits: Limits,
    sizes: &Sizes,
) -> Page {
    let mut page = Page::default();
    let piece = Piece { origin, after: from, through: until };
    let (through, _) = page.take(piece, city.settled(now), limits, sizes);
    page.through = through;
    page.pieces.push(Piece { origin, after, through });
    page
}

impl Relay {
    /// The last sequence.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Adds what was applied.
    pub fn push(&mut self, piece: Piece) {
        let chunk = Chunk { base: self.head, piece };
        self.head += piece.through - piece.after;
        match self.chunks.back_mut() {
            Some(last)
                if last.piece.origin == piece.origin && last.piece.through == piece.after =>
            {
                last.piece.through = piece.through;
            }
            _ => self.chunks.push_back(chunk),
        }
    }

    /// Forgets what is through a sequence.
    pub fn forget(&mut self, through: u64) {
        while self.chunks.front().is_some_and(|chunk| chunk.end() <= through) {
            self.chunks.pop_front();
        }
    }

    /// Reads what follows `from`; `settled` tells for a city through which activity documents may
    /// have been written over.
    pub fn read(
        &self,
        (after, from, until): (u64, u64, u64),
        settled: impl Fn(u32) -> u64,
        limits: Limits,
        sizes: &Sizes,
    ) -> Page {
        let mut page = Page { through: from, ..Page::default() };
        for chunk in self.between(from, until) {
            let Some(piece) = chunk.part(from, until) else { continue };
            let (through, goes_on) = page.take(piece, settled(piece.origin), limits, sizes);
            if through > piece.after {
                page.through = chunk.base + through - chunk.piece.after;
            }
            if !goes_on {
                break;
            }
        }
        let through = page.through;
        page.pieces.extend(self.between(after, through).filter_map(|it| it.part(after, through)));
        page
    }

    fn between(&self, after: u64, until: u64) -> impl Iterator<Item = &Chunk> {
        let first = self.chunks.partition_point(|chunk| chunk.end() <= after);
        self.chunks.range(first..).take_while(move |chunk| chunk.base < until)
    }
}

impl Chunk {
    fn end(&self) -> u64 {
        self.base + self.piece.through - self.piece.after
    }

    /// What of it is between two sequences of this journal.
    fn part(&self, after: u64, until: u64) -> Option<Piece> {
        let (from, to) = (after.max(self.base), until.min(self.end()));
        let at = |sequence: u64| self.piece.after + sequence - self.base;
        (from < to).then(|| Piece { after: at(from), through: at(to), ..self.piece })
    }
}
