//! What journals take and answer, whichever store they are of.

use std::collections::BTreeMap;

use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::wire;
use hedgeschool_web::{Problem, StatusCode};

/// For whom entries are read.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The other node.
    pub node: String,
    /// What came from here is not for it: see [`origin`].
    pub origin: String,
    /// It is the node above.
    pub above: bool,
    /// The nodes whose own data count.
    pub serves: Vec<String>,
}

/// Names a node's copy of a journal: what came from it needs not go back there, unless its disk
/// was restored.
pub fn origin(node: &str, epoch: &str) -> String {
    format!("{node}:{epoch}")
}

/// Where a journal is, and what one has to know of it who has to do with a node.
#[derive(Debug, Default)]
pub struct Outline {
    /// Names this copy of the store.
    pub epoch: String,
    /// The last sequence.
    pub head: u64,
    /// How many subjects concern the node.
    pub followed: u64,
    /// What the node was told.
    pub told: Told,
    /// Notes by name.
    pub notes: BTreeMap<String, String>,
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

/// Whom new entries concern, of the nodes below.
pub struct Concerned {
    /// Everything through this was looked at.
    pub through: u64,
    /// All of them; or there is too much to tell.
    pub everyone: bool,
    /// These.
    pub nodes: Vec<String>,
    /// And those which serve these.
    pub homes: Vec<String>,
}

/// What an audience has not got.
pub struct Waiting {
    /// How many entries, at most.
    pub entries: u64,
    /// When the oldest of them was made, in microseconds since 1970.
    pub oldest_us: Option<i64>,
}

/// Another node's entries.
pub struct Batch {
    /// The node they come from.
    pub peer: String,
    /// The nodes whose own data it may change. None: any.
    pub scope: Option<Vec<String>>,
    /// The note that moves with them, what it says before, and what afterwards.
    pub note: String,
    pub before: Option<String>,
    pub after: String,
    /// The entries.
    pub entries: Vec<wire::Entry>,
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

/// How much of the disk a store takes.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Bytes of its file.
    pub bytes: u64,
}

/// How many bytes a store may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Beyond this, it gives up what other nodes hold too.
    pub high: u64,
    /// Beyond this, it takes nothing new in.
    pub full: u64,
}

/// Why a store refused.
#[derive(Debug)]
pub enum Error {
    /// A rule was broken.
    Invalid(String),
    /// None of the sender's business.
    Forbidden(String),
    /// The note of a batch says something else.
    Moved,
    /// The disk is as full as it may get.
    Full,
    /// Try again.
    Busy,
    /// For the log.
    Other(String),
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
