//! Bytes of blobs on their way into the store: whatever comes before a cut is kept.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hedgeschool_replication::FetchPlan;
use hedgeschool_replication::wire::{PIECE_BYTES_MAX, PIECES_MAX, Piece};

use crate::error::Result;
use crate::store::arrivals::{self, BlobBytes};

/// Bytes on their way into the store.
pub struct Intake<'a> {
    plan: &'a RefCell<FetchPlan>,
    /// All bytes of the round that are stored.
    stored: &'a Cell<u64>,
    /// The pieces that are still to come, the first one perhaps in part.
    waiting: VecDeque<Piece>,
    /// The first bytes of the first of them.
    read: BytesMut,
    /// Pieces that are not stored yet, and how many bytes they have.
    held: Vec<BlobBytes>,
    held_bytes: u64,
    /// All bytes so far.
    came: u64,
}

impl<'a> Intake<'a> {
    /// For the pieces that a request asks for.
    pub fn new(plan: &'a RefCell<FetchPlan>, stored: &'a Cell<u64>, pieces: &[Piece]) -> Self {
        let waiting = pieces.iter().cloned().collect();
        let (read, held) = (BytesMut::new(), Vec::new());
        Self { plan, stored, waiting, read, held, held_bytes: 0, came: 0 }
    }

    /// All bytes so far.
    pub fn came(&self) -> u64 {
        self.came
    }

    /// Whether all pieces have come.
    pub fn is_complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the next bytes.
    pub async fn take_data(&mut self, data: Bytes) -> Result<()> {
        let bytes = data.len() as u64;
        self.came += bytes;
        self.plan.borrow_mut().record_bytes(bytes);
        self.read.extend_from_slice(&data);
        while let Some(piece) = self.waiting.front() {
            let length = usize::try_from(piece.length).unwrap_or(usize::MAX);
            if self.read.len() < length {
                break;
            }
            let bytes = self.read.split_to(length);
            self.hold_piece(bytes).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }

    /// Keeps a piece, or the beginning of one, until there are enough of them for a commit.
    async fn hold_piece(&mut self, bytes: BytesMut) -> Result<()> {
        let Some(piece) = self.waiting.front() else { return Ok(()) };
        let length = bytes.len() as u64;
        let part =
            BlobBytes { hash: piece.hash.clone(), start: piece.start, bytes: bytes.to_vec() };
        if self.held_bytes + length > PIECE_BYTES_MAX || self.held.len() == PIECES_MAX {
            self.store_held().await?;
        }
        self.held_bytes += length;
        self.held.push(part);
        Ok(())
    }

    async fn store_held(&mut self) -> Result<()> {
        let held = std::mem::take(&mut self.held);
        let bytes = std::mem::take(&mut self.held_bytes);
        for hash in arrivals::put_bytes(held).await? {
            self.plan.borrow_mut().exclude_blob(&Piece { hash, start: 0, length: PIECE_BYTES_MAX });
        }
        self.stored.set(self.stored.get() + bytes);
        Ok(())
    }

    /// Stores what there is, also of a piece that has not come whole.
    pub async fn keep_rest(&mut self) -> Result<()> {
        let bytes = self.read.split();
        if !bytes.is_empty() {
            self.hold_piece(bytes).await?;
        }
        if self.held.is_empty() { Ok(()) } else { self.store_held().await }
    }
}
