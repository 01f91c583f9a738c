//! The journals of the node's stores, all alike: what they hold is no concern of replication.

mod types;

use hedgeschool_journal_types::types as stored;
use hedgeschool_replication::Position;
use hedgeschool_replication::wire;
use hedgeschool_web::random_bytes;

pub use hedgeschool_journal_types::types::{
    Advance, Audience, CheckpointToken, Concern, CursorAdvance, Limits, PeerAdvance, RecordAdvance,
    ScanWatermark, UpstreamState, Usage, Waiting,
};
pub use types::{Batch, Conflict, Error, Page, PeerState, origin, told};

/// The stores of one WIT package each.
macro_rules! bindings {
    ($module:ident, $path:literal) => {
        #[allow(missing_docs, dead_code, reason = "generated; the WIT documents it")]
        mod $module {
            wit_bindgen::generate!({
                path: $path,
                world: "replica",
                with: {
                    "hedgeschool:journal/types@0.1.0": hedgeschool_journal_types::types,
                },
            });
        }
    };
}

bindings!(content_bindings, "../../wit/content");
bindings!(identity_bindings, "../../wit/identity");
bindings!(progress_bindings, "../../wit/progress");

pub use content_bindings::hedgeschool::content::types::Error as ContentError;
pub use content_bindings::hedgeschool::content::{arrivals, packages};
pub use content_bindings::wit_stream;
pub use progress_bindings::hedgeschool::progress::{attachments, node_state, traces};

use content_bindings::hedgeschool::content::{journal as content, types as content_types};
use identity_bindings::hedgeschool::identity::journal as identity;
use progress_bindings::hedgeschool::progress::{journal as progress, types as progress_types};

/// A journal of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// People.
    Identity,
    /// Courses.
    Content,
    /// Statements and documents.
    Progress,
}

/// Calls a function of the store that a journal is of.
macro_rules! call {
    ($journal:expr, $function:ident($($argument:expr),*)) => {
        match $journal {
            Journal::Identity => identity::$function($($argument),*).await,
            Journal::Content => content::$function($($argument),*).await,
            Journal::Progress => progress::$function($($argument),*).await,
        }
    };
}

impl Journal {
    /// All of them, in the order in which a node needs them: who, what, and what came of it.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Content, Self::Progress];

    /// The journal of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|journal| journal.name() == name)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Content => "content",
            Self::Progress => "progress",
        }
    }

    /// Why this build can never use the store's database, if so.
    pub async fn check_schema(self) -> Result<Option<String>, Error> {
        Ok(call!(self, check_schema())?)
    }

    /// Names this copy of the store.
    pub async fn epoch(self) -> Result<String, Error> {
        Ok(call!(self, epoch())?)
    }

    /// Begins another epoch; other nodes have nothing of this copy past a sequence.
    pub async fn begin_epoch(self, epoch: String, after: u64) -> Result<(), Error> {
        Ok(call!(self, begin_epoch(epoch, after))?)
    }

    /// The last sequence.
    pub async fn head(self) -> Result<u64, Error> {
        Ok(call!(self, head())?)
    }

    /// Entries for an audience, of about so many bytes.
    pub async fn entries(
        self,
        audience: Audience,
        after: u64,
        until: Option<u64>,
        size: u32,
    ) -> Result<Page, Error> {
        let limit = wire::BATCH_ENTRIES_MAX;
        call!(self, entries(audience, after, until, limit, size))?.try_into()
    }

    /// Whom the entries after a sequence concern, of the nodes below.
    pub async fn concerned(self, after: u64) -> Result<Concern, Error> {
        Ok(call!(self, concerned(after))?)
    }

    /// How much there is for an audience.
    pub async fn waiting(
        self,
        audience: Audience,
        after: u64,
        until: Option<u64>,
    ) -> Result<Waiting, Error> {
        Ok(call!(self, waiting_for(audience, after, until))?)
    }

    /// Entries about a subject.
    pub async fn about(self, subject: String, after: u64) -> Result<Page, Error> {
        let (limit, size) = (wire::BATCH_ENTRIES_MAX, wire::BATCH_BYTES);
        call!(self, entries_about(subject, after, limit, size))?.try_into()
    }

    /// Makes a subject concern a node below; under no name, this node.
    pub async fn follow(self, node: String, subject: String) -> Result<(), Error> {
        Ok(call!(self, follow(node, subject))?)
    }

    /// Whether a subject concerns a node.
    pub async fn is_followed(self, node: String, subject: String) -> Result<bool, Error> {
        Ok(call!(self, is_followed(node, subject))?)
    }

    /// Where the journal is, and what there is about a node below and an epoch of its journal.
    pub async fn read_peer_state(self, node: String, epoch: String) -> Result<PeerState, Error> {
        Ok(call!(self, read_peer_state(node, epoch))?.into())
    }

    /// Where the journal is, and what there is about the node above.
    pub async fn read_upstream_state(self, upstream: String) -> Result<UpstreamState, Error> {
        Ok(call!(self, read_upstream_state(upstream))?)
    }

    /// Takes note that a node is told of the journal, or sent some of it, before it is; answers
    /// what it gets with that.
    pub async fn issue_token(
        self,
        node: String,
        epoch: String,
        through: u64,
    ) -> Result<wire::Bookmark, Error> {
        let token = format!("{:016x}", u64::from_le_bytes(random_bytes()));
        let token = CheckpointToken { epoch, through, token };
        call!(self, issue_token(node, token.clone()))?;
        Ok(token.into())
    }

    /// How far an epoch of a node's journal is applied.
    pub async fn peer_position(self, node: String, epoch: String) -> Result<Position, Error> {
        let position = call!(self, peer_position(node, epoch))?;
        Ok(position.map(Position::from).unwrap_or_default())
    }

    /// The nodes below of whose journals something is applied, and the epochs of these.
    pub async fn peer_epochs(self) -> Result<Vec<(String, String)>, Error> {
        Ok(call!(self, peer_epochs())?)
    }

    /// Takes note that a node below has told of something that is lost here.
    pub async fn set_missed(self, node: String, epoch: String, through: u64) -> Result<(), Error> {
        Ok(call!(self, set_missed(node, epoch, through))?)
    }

    /// Takes note of the kinds that a node below was not sent.
    pub async fn set_withheld(self, node: String, kinds: Vec<String>) -> Result<(), Error> {
        Ok(call!(self, set_withheld(node, kinds))?)
    }

    /// All that nodes below were not sent.
    pub async fn withheld(self) -> Result<Vec<stored::WithheldKinds>, Error> {
        Ok(call!(self, withheld())?)
    }

    /// Takes note of what was heard of the upstream's journal, beside the cursor.
    pub async fn receive_token(self, upstream: String, token: wire::Bookmark) -> Result<(), Error> {
        Ok(call!(self, receive_token(upstream, token.into()))?)
    }

    /// Forgets some of that.
    pub async fn forget_tokens(self, upstream: String, tokens: Vec<String>) -> Result<(), Error> {
        Ok(call!(self, forget_tokens(upstream, tokens))?)
    }

    /// Takes note that a subject's record is wanted.
    pub async fn want_record(self, subject: String) -> Result<(), Error> {
        Ok(call!(self, want_record(subject))?)
    }

    /// The same of all subjects that concern this node.
    pub async fn want_all_records(self) -> Result<(), Error> {
        Ok(call!(self, want_all_records())?)
    }

    /// The subjects whose records are still to come.
    pub async fn wanted_records(self) -> Result<Vec<String>, Error> {
        Ok(call!(self, wanted_records())?)
    }

    /// After which sequence the rest of a subject's record begins.
    pub async fn wanted_from(self, subject: String) -> Result<Option<u64>, Error> {
        Ok(call!(self, wanted_from(subject))?)
    }

    /// Takes note that a stretch of the journal was looked through in vain.
    pub async fn set_watermark(self, watermark: ScanWatermark) -> Result<(), Error> {
        Ok(call!(self, set_watermark(watermark))?)
    }

    /// Applies a batch.
    pub async fn apply(self, batch: Batch) -> Result<(), Error> {
        let batch = stored::Batch::from(batch);
        Ok(call!(self, apply(batch))?)
    }

    /// A page of conflicts.
    pub async fn conflicts(self, after: u64) -> Result<Vec<Conflict>, Error> {
        call!(self, conflicts(after))?.into_iter().map(shown_conflict).collect()
    }

    /// How many conflicts there are.
    pub async fn count_conflicts(self) -> Result<u64, Error> {
        Ok(call!(self, count_conflicts())?)
    }

    /// How much of the disk the store takes.
    pub async fn usage(self) -> Result<Usage, Error> {
        Ok(call!(self, size())?)
    }

    /// Keeps the store within limits.
    pub async fn keep_within(
        self,
        limits: Option<Limits>,
        holder: Option<String>,
    ) -> Result<(), Error> {
        Ok(call!(self, keep_within(limits, holder))?)
    }

    /// Settles a conflict.
    pub async fn settle(self, key: u64, restore: bool) -> Result<bool, Error> {
        Ok(call!(self, settle(key, restore))?)
    }
}

impl From<content_types::Error> for Error {
    fn from(error: content_types::Error) -> Self {
        match error {
            content_types::Error::Invalid(rule) => Self::Invalid(rule),
            content_types::Error::Full => Self::Full,
            content_types::Error::Busy => Self::Busy,
            other => Self::Other(format!("content store: {other:?}")),
        }
    }
}

impl From<progress_types::Error> for Error {
    fn from(error: progress_types::Error) -> Self {
        match error {
            progress_types::Error::Invalid(rule) => Self::Invalid(rule),
            progress_types::Error::Full => Self::Full,
            progress_types::Error::Busy => Self::Busy,
            other => Self::Other(format!("progress store: {other:?}")),
        }
    }
}

const PASSWORD: &str = "password_hash";

/// Most bytes of a document's content, in base64, that administrators see: whole groups of four.
const CONTENT_BYTES: usize = 65_536;
/// About the most bytes of a version that they see; statements are shown whole.
const SHOWN_BYTES: usize = 1 << 20;

/// A conflict as administrators see it.
fn shown_conflict(found: stored::Conflict) -> Result<Conflict, Error> {
    let texts = [Some(&found.lost), found.standing.as_ref()];
    let bytes = texts.into_iter().flatten().map(|text| text.len().min(SHOWN_BYTES)).sum();
    let (lost, standing) = (parsed(Some(&found.lost))?, parsed(found.standing.as_ref())?);
    Ok(Conflict {
        bytes,
        key: found.key,
        kind: found.kind,
        subject: found.subject,
        has_other_password: have_other_passwords(&lost, &standing),
        lost: shown(lost),
        standing: shown(standing),
        noticed_ms: found.noticed,
        against: found.against,
        is_restorable: found.is_restorable,
    })
}

/// A version as the store has it; null: there is none.
fn parsed(json: Option<&String>) -> Result<serde_json::Value, Error> {
    let parsed = json.map(|json| serde_json::from_str(json)).transpose();
    Ok(parsed.map_err(Error::unreadable)?.unwrap_or_default())
}

fn have_other_passwords(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    one.get(PASSWORD).zip(other.get(PASSWORD)).is_some_and(|(one, other)| one != other)
}

/// A version as administrators see it: without what would let them sign in as somebody else, and
/// of a long content its beginning.
fn shown(mut version: serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(members) = &mut version else { return version };
    members.remove(PASSWORD);
    if let Some(serde_json::Value::String(content)) = members.get_mut("content")
        && content.len() > CONTENT_BYTES
    {
        content.truncate(content.floor_char_boundary(CONTENT_BYTES));
        members.insert("is_content_cut".to_owned(), true.into());
    }
    version
}
