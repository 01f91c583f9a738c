//! What the messages are made of, and the limits of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::batch_range::BatchRange;
use crate::entry::Entry;
use crate::hlc::Stamp;
use crate::position::{Checkpoint, Lane, Position, Span};
use crate::protocol::Protocol;

/// Most entries in a batch.
pub const BATCH_ENTRIES_MAX: u32 = 500;
/// Size a batch aims for, in bytes of payload. A single entry may be larger.
pub const BATCH_BYTES: u32 = 1 << 20;
/// Largest message, in bytes, unpacked: an entry of the largest document, in base64.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// Largest time that a pull may ask its upstream to wait for news, in milliseconds.
pub const WAIT_MS_MAX: u64 = 20_000;
/// Most nodes below a node.
pub const SERVES_MAX: usize = 10_000;
/// Most bookmarks that a cursor or a batch has beside the feed's.
pub const HEARD_MAX: usize = 50;
/// Most pieces of blobs that one request asks for.
pub const PIECES_MAX: usize = 256;
/// Most bytes of one piece.
pub const PIECE_BYTES_MAX: u64 = 1 << 20;
/// Most bytes of them together, past the first.
pub const PIECES_BYTES_MAX: u64 = 4 << 20;

/// Where an upstream takes [`Batch`]es.
pub const ENTRIES_PATH: &str = "/sync/v1/entries";
/// Where it takes [`Pull`]s.
pub const PULL_PATH: &str = "/sync/v1/pull";
/// Where it takes [`RecordRequest`]s.
pub const RECORD_PATH: &str = "/sync/v1/record";
/// Where it takes [`BlobsRequest`].
pub const BLOBS_PATH: &str = "/sync/v1/blobs";
/// Where it takes [`AttachmentRequest`]s.
pub const ATTACHMENT_PATH: &str = "/sync/v1/attachment";

/// A part of a journal of the sending node, for the node above to apply. Answered with
/// [`Applied`]; with status 409, nothing was applied because the journal is not where this begins.
#[derive(Debug, Serialize, Deserialize)]
pub struct Batch {
    /// The sending node's `node_id`.
    pub node: String,
    /// Which of its journals.
    pub journal: String,
    /// The epoch of that journal.
    pub epoch: String,
    /// Where the upstream will be when it has all that was sent before: it applies this at no
    /// other place, and batches may overtake each other.
    pub before: Position,
    /// As what they travel.
    pub lane: Lane,
    /// The sequence that the first entry follows; what lies between is not for the upstream.
    pub after: u64,
    /// The epoch of the upstream's journal when the round began: what came from there is not sent
    /// back. None: what came from there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<String>,
    /// What the sender has heard of it. An upstream that did not tell so much, because its disk
    /// was restored, applies nothing of this: see [`crate::tokens::IssuedTokens::is_all_heard`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Bookmark>,
    /// The token: a text made at random, by which the sender knows for its own what the upstream
    /// has, see [`crate::tokens`].
    #[serde(rename = "receipt")]
    pub token: String,
    /// The entries, by growing sequence: 1 to [`BATCH_ENTRIES_MAX`].
    pub entries: Vec<Entry>,
}

/// How far a journal is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// How far.
    pub position: Position,
}

/// What a node asks its upstream at the start of a round, and while it waits for news.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pull {
    /// The asking node's `node_id`.
    pub node: String,
    /// The nodes below it, at any depth.
    pub serves: BTreeSet<String>,
    /// Its clock.
    pub now: Stamp,
    /// How it stands, for the fleet's overview.
    pub health: Health,
    /// Its journals by name.
    pub journals: BTreeMap<String, Cursor>,
    /// How long to wait for news if there are none. At most [`WAIT_MS_MAX`].
    pub wait_ms: u64,
}

/// How a node stands, by its own account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Entries that its upstream has not applied.
    pub queue: u64,
    /// How old the oldest of them is, in seconds.
    pub queue_age_s: u64,
    /// Conflicts that nobody has settled.
    pub conflicts: u64,
    /// Version of its software.
    pub version: String,
    /// Bytes of the disk that its stores take, to the next MiB.
    #[serde(default)]
    pub disk_used: u64,
    /// Bytes that they may take. 0: no limit.
    #[serde(default)]
    pub disk_limit: u64,
    /// Which version of the protocol it speaks.
    #[serde(default)]
    pub protocol: Protocol,
}

/// Where a node is with one journal, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The epoch of the asking node's journal.
    pub epoch: String,
    /// What it has applied of the upstream's. None: nothing yet.
    pub feed: Option<Bookmark>,
    /// What else it has heard of the upstream's journal, at most [`HEARD_MAX`]: in records, which
    /// run ahead of the feed, in epochs that were left, and before it began to read from the
    /// beginning again.
    #[serde(default)]
    pub heard: Vec<Bookmark>,
    /// How far the upstream had the asking node's journal when it was last asked. If it has less
    /// now, its disk was restored.
    pub held: Option<Checkpoint>,
    /// How many subjects the asking node follows, by its own account.
    #[serde(default)]
    pub follows: u64,
}

/// How far a journal has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The journal's epoch.
    pub epoch: String,
    /// Everything through this sequence has been looked at.
    pub through: u64,
    /// The token that the teller issued with the answer that led here: another text at random each
    /// time. If it does not know it any more, its disk was restored.
    #[serde(rename = "receipt")]
    pub token: String,
}

/// The answer to a [`Pull`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Pulled {
    /// The answering node's `node_id`.
    pub node: String,
    /// Its clock.
    pub now: Stamp,
    /// Which version of the protocol it speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// Version of its software. Empty: it does not say.
    #[serde(default)]
    pub version: String,
    /// Its journals by name.
    pub journals: BTreeMap<String, Feed>,
}

/// What an upstream has of and for a node, in one journal.
#[derive(Debug, Serialize, Deserialize)]
pub struct Feed {
    /// How far it has applied the asking node's journal.
    pub applied: Position,
    /// Its own entries that concern the node.
    pub page: FeedPage,
    /// The upstream knows of fewer subjects that the node follows than the node does: it lost some
    /// with its disk, and is to be asked for all of them again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forgot: bool,
}

/// Entries of the answering node's journal.
#[derive(Debug, Serialize, Deserialize)]
pub struct FeedPage {
    /// Where these lead. In another epoch than the asking node knew, they are from the beginning.
    pub bookmark: Bookmark,
    /// The entries, by growing sequence.
    pub entries: Vec<Entry>,
    /// There are more after these.
    pub more: bool,
}

/// Asks for all that an upstream has about one subject: a learner's record, a person. From then on
/// the node's [`Feed`]s have what is new about it. Answered with a [`Record`].
#[derive(Debug, Serialize, Deserialize)]
pub struct RecordRequest {
    /// The asking node's `node_id`.
    pub node: String,
    /// Which journal.
    pub journal: String,
    /// What about: an agent's identifier, a sign-in name.
    pub subject: String,
    /// Where the asking node is: whoever answers must know whether it is still the one who told
    /// before.
    pub cursor: Cursor,
    /// Continue after this sequence.
    pub after: u64,
}

/// What an upstream has about one subject, in an order of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// How far its journal went: so far, the asking node has been told of it.
    pub bookmark: Bookmark,
    /// The entries; their sequences count in this answer's order alone.
    pub entries: Vec<Entry>,
    /// After which sequence the rest follows. None: that was all.
    pub next: Option<u64>,
}

/// Asks for bytes of blobs. Answered with them, in this order and nothing between them.
#[derive(Debug, Serialize, Deserialize)]
pub struct BlobsRequest {
    /// The asking node's `node_id`.
    pub node: String,
    /// At most [`PIECES_MAX`], of about [`PIECES_BYTES_MAX`] bytes together.
    pub pieces: Vec<Piece>,
}

/// Some bytes of a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// SHA-256, lower-case hexadecimal.
    pub hash: String,
    /// The first byte.
    pub start: u64,
    /// How many. At most 1,048,576.
    pub length: u64,
}

/// Asks for the data of an attachment. Answered with it, or with 404.
#[derive(Debug, Serialize, Deserialize)]
pub struct AttachmentRequest {
    /// The asking node's `node_id`.
    pub node: String,
    /// SHA-2 of the data, lower-case hexadecimal.
    pub sha2: String,
}

impl Batch {
    /// Bytes of payload.
    pub fn payload_bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.payload.get().len() as u64).sum()
    }

    /// The part of the journal that it is.
    pub fn range(&self) -> BatchRange {
        let sequence = self.entries.last().map_or(self.after, |last| last.sequence);
        let through = Checkpoint { sequence, token: self.token.clone() };
        let span = Span { after: self.after, through };
        BatchRange { before: self.before.clone(), lane: self.lane, span }
    }
}
