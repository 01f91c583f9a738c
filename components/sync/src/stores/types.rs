//! What journals take and answer, whichever store they are of.

use std::collections::BTreeSet;

use hedgeschool_journal_types::types as stored;
use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::{Position, wire};
use hedgeschool_web::{Problem, StatusCode};

/// Names a node's copy of a journal: what came from it needs not go back there, unless its disk
/// was restored.
pub fn origin(node: &str, epoch: &str) -> String {
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
    /// What the node was told.
    pub told: Told,
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
            told: told(state.issued),
            applied: state.applied.map(Position::from).unwrap_or_default(),
            missed: state.missed,
            withheld: state.withheld.into_iter().collect(),
        }
    }
}

/// What was told, by the tokens that were given with it.
pub fn told(issued: Vec<stored::CheckpointToken>) -> Told {
    Told(issued.into_iter().map(Into::into).collect())
}

/// A part of a journal.
pub struct Page {
    /// The entries.
    pub entries: Vec<wire::Entry>,
    /// Everything through this was looked at.
    pub through: u64,
    /// There is more after that.
    pub more: bool,
}

impl TryFrom<stored::JournalPage> for Page {
    type Error = Error;

    fn try_from(page: stored::JournalPage) -> Result<Self, Error> {
        let entries = page.entries.into_iter().map(wire::Entry::try_from);
        let entries = entries.collect::<Result<_, _>>().map_err(Error::unreadable)?;
        Ok(Self { entries, through: page.through, more: page.more })
    }
}

/// Another node's entries.
pub struct Batch {
    /// The node they come from.
    pub peer: String,
    /// The nodes whose own data it may change. None: any.
    pub scope: Option<Vec<String>>,
    /// What moves with them.
    pub advance: stored::Advance,
    /// The entries.
    pub entries: Vec<wire::Entry>,
}

impl From<Batch> for stored::Batch {
    fn from(batch: Batch) -> Self {
        let Batch { peer, scope, advance, entries } = batch;
        Self { peer, scope, advance, entries: entries.into_iter().map(Into::into).collect() }
    }
}

/// A version that lost, and what stands.
#[derive(Debug, serde::Serialize)]
pub struct Conflict {
    /// Names it in its journal.
    pub key: u64,
    /// What kind of thing it is about.
    pub kind: String,
    /// Which one.
    pub subject: String,
    /// JSON.
    pub lost: serde_json::Value,
    /// JSON; null: it is gone.
    pub standing: serde_json::Value,
    /// Milliseconds since 1970.
    pub noticed_ms: i64,
    /// The node to which what it lost against belongs, where that is another one than its own.
    pub against: Option<String>,
    /// What lost can be put in place of what stands.
    pub is_restorable: bool,
    /// Both have passwords, and these are not the same.
    pub has_other_password: bool,
    /// About how many bytes it has.
    #[serde(skip)]
    pub bytes: usize,
}

/// Why a store refused.
#[derive(Debug)]
pub enum Error {
    /// A rule was broken.
    Invalid(String),
    /// None of the sender's business.
    Forbidden(String),
    /// What a batch advances is not where the batch says.
    Moved,
    /// The disk is as full as it may get.
    Full,
    /// Try again.
    Busy,
    /// For the log.
    Other(String),
}

impl Error {
    /// What is stored cannot be read: somebody has to know.
    pub fn unreadable(error: impl std::fmt::Display) -> Self {
        Self::Other(format!("what is stored cannot be read: {error}"))
    }
}

impl From<stored::Error> for Error {
    fn from(error: stored::Error) -> Self {
        match error {
            stored::Error::Invalid(rule) => Self::Invalid(rule),
            stored::Error::Forbidden(rule) => Self::Forbidden(rule),
            stored::Error::Moved => Self::Moved,
            stored::Error::Full => Self::Full,
            stored::Error::Busy => Self::Busy,
            stored::Error::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Forbidden(rule) => {
                Self { internal: Some(rule.clone()), ..Self::forbidden(rule) }
            }
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            Error::Moved => Self::new(StatusCode::CONFLICT, "other entries came between"),
            Error::Other(reason) => Self::internal(reason),
        }
    }
}
