//! What journals take and answer, in the words of replication.

use std::collections::BTreeSet;

use hedgeschool_journal_types::types as stored;
use hedgeschool_replication::tokens::IssuedTokens;
use hedgeschool_replication::{Position, wire};

use crate::error::SyncError;

/// Names a node's copy of a journal: what came from it needs not go back there, unless its disk
/// was restored.
pub fn origin_of(node: &str, epoch: &str) -> String {
    format!("{node}:{epoch}")
}

/// Where a journal is, and what one has to know of it who has to do with a node below.
#[derive(Debug)]
pub struct PeerState {
    /// Names this copy of the store.
    pub epoch: String,
    /// The last sequence.
    pub head: u64,
    /// How many subjects concern the node.
    pub followed: u64,
    /// The tokens that the node was given.
    pub issued: IssuedTokens,
    /// How far the node's journal is applied here.
    pub applied: Position,
    /// What the node has last told of that is lost here.
    pub missed: Option<u64>,
    /// Kinds of entries that it was not sent.
    pub withheld: BTreeSet<String>,
}

impl From<stored::PeerState> for PeerState {
    fn from(state: stored::PeerState) -> Self {
        Self {
            epoch: state.epoch,
            head: state.head,
            followed: state.followed,
            issued: issued_tokens(state.issued),
            applied: state.applied.map(Position::from).unwrap_or_default(),
            missed: state.missed,
            withheld: state.withheld.into_iter().collect(),
        }
    }
}

/// The tokens as the store has them.
pub fn issued_tokens(issued: Vec<stored::CheckpointToken>) -> IssuedTokens {
    IssuedTokens(issued.into_iter().map(Into::into).collect())
}

/// A part of a journal.
pub struct JournalPage {
    /// The entries.
    pub entries: Vec<wire::Entry>,
    /// Everything through this was looked at.
    pub through: u64,
    /// There is more after that.
    pub more: bool,
}

impl TryFrom<stored::JournalPage> for JournalPage {
    type Error = SyncError;

    fn try_from(page: stored::JournalPage) -> Result<Self, SyncError> {
        let entries = page.entries.into_iter().map(wire::Entry::try_from);
        let entries = entries.collect::<Result<_, _>>().map_err(SyncError::Unreadable)?;
        Ok(Self { entries, through: page.through, more: page.more })
    }
}

/// Another node's entries.
pub struct StoreBatch {
    /// The node they come from.
    pub peer: String,
    /// The nodes whose own data it may change. None: any.
    pub scope: Option<Vec<String>>,
    /// What moves with them.
    pub advance: stored::Advance,
    /// The entries.
    pub entries: Vec<wire::Entry>,
}

impl From<StoreBatch> for stored::Batch {
    fn from(batch: StoreBatch) -> Self {
        let StoreBatch { peer, scope, advance, entries } = batch;
        Self { peer, scope, advance, entries: entries.into_iter().map(Into::into).collect() }
    }
}
