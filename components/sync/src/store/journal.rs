//! The journals of the node's stores, all alike: what they hold is no concern of replication.

use hedgeschool_journal_types::types::{
    self as stored, Audience, CheckpointToken, Concern, Limits, ScanWatermark, UpstreamState,
    Usage, Waiting,
};
use hedgeschool_replication::{Position, wire};
use hedgeschool_web::random_bytes;

use crate::error::Result;
use crate::store::bindings::{content, identity, progress};
use crate::store::conflict::{ListedConflict, list_conflict};
use crate::store::types::{JournalPage, PeerState, StoreBatch};

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
        .map_err(|error| name_store($journal, error))
    };
}

/// The log is to say which store failed.
fn name_store(journal: Journal, error: stored::Error) -> stored::Error {
    match error {
        stored::Error::Other(why) => {
            stored::Error::Other(format!("{} store: {why}", journal.name()))
        }
        error => error,
    }
}

impl Journal {
    /// All of them, in the order in which a node needs them: who, what, and what came of it.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Content, Self::Progress];

    /// The journal of this name.
    pub fn find_by_name(name: &str) -> Option<Self> {
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
    pub async fn check_schema(self) -> Result<Option<String>> {
        Ok(call!(self, check_schema())?)
    }

    /// Names this copy of the store.
    pub async fn read_epoch(self) -> Result<String> {
        Ok(call!(self, epoch())?)
    }

    /// Begins another epoch; other nodes have nothing of this copy past a sequence.
    pub async fn begin_epoch(self, epoch: String, after: u64) -> Result<()> {
        Ok(call!(self, begin_epoch(epoch, after))?)
    }

    /// The last sequence.
    pub async fn read_head(self) -> Result<u64> {
        Ok(call!(self, head())?)
    }

    /// Entries for an audience, of about so many bytes.
    pub async fn read_entries(
        self,
        audience: Audience,
        after: u64,
        until: Option<u64>,
        size: u32,
    ) -> Result<JournalPage> {
        let limit = wire::BATCH_ENTRIES_MAX;
        call!(self, entries(audience, after, until, limit, size))?.try_into()
    }

    /// Whom the entries after a sequence concern, of the nodes below.
    pub async fn find_concerned(self, after: u64) -> Result<Concern> {
        Ok(call!(self, concerned(after))?)
    }

    /// How much there is for an audience.
    pub async fn count_waiting(
        self,
        audience: Audience,
        after: u64,
        until: Option<u64>,
    ) -> Result<Waiting> {
        Ok(call!(self, waiting_for(audience, after, until))?)
    }

    /// Entries about a subject.
    pub async fn read_entries_about(self, subject: String, after: u64) -> Result<JournalPage> {
        let (limit, size) = (wire::BATCH_ENTRIES_MAX, wire::BATCH_BYTES);
        call!(self, entries_about(subject, after, limit, size))?.try_into()
    }

    /// Makes a subject concern a node below; under no name, this node.
    pub async fn follow_subject(self, node: String, subject: String) -> Result<()> {
        Ok(call!(self, follow(node, subject))?)
    }

    /// Whether a subject concerns a node.
    pub async fn is_followed(self, node: String, subject: String) -> Result<bool> {
        Ok(call!(self, is_followed(node, subject))?)
    }

    /// Where the journal is, and what there is about a node below and an epoch of its journal.
    pub async fn read_peer_state(self, node: String, epoch: String) -> Result<PeerState> {
        Ok(call!(self, read_peer_state(node, epoch))?.into())
    }

    /// Where the journal is, and what there is about the node above.
    pub async fn read_upstream_state(self, upstream: String) -> Result<UpstreamState> {
        Ok(call!(self, read_upstream_state(upstream))?)
    }

    /// Takes note that a node is told of the journal, or sent some of it, before it is; answers
    /// what it gets with that.
    pub async fn issue_token(
        self,
        node: String,
        epoch: String,
        through: u64,
    ) -> Result<wire::Bookmark> {
        let token = format!("{:016x}", u64::from_le_bytes(random_bytes()));
        let token = CheckpointToken { epoch, through, token };
        call!(self, issue_token(node, token.clone()))?;
        Ok(token.into())
    }

    /// How far an epoch of a node's journal is applied.
    pub async fn read_peer_position(self, node: String, epoch: String) -> Result<Position> {
        let position = call!(self, peer_position(node, epoch))?;
        Ok(position.map(Position::from).unwrap_or_default())
    }

    /// The nodes below of whose journals something is applied, and the epochs of these.
    pub async fn list_peer_epochs(self) -> Result<Vec<(String, String)>> {
        Ok(call!(self, peer_epochs())?)
    }

    /// Takes note that a node below has told of something that is lost here.
    pub async fn set_missed(self, node: String, epoch: String, through: u64) -> Result<()> {
        Ok(call!(self, set_missed(node, epoch, through))?)
    }

    /// Takes note of the kinds that a node below was not sent.
    pub async fn set_withheld(self, node: String, kinds: Vec<String>) -> Result<()> {
        Ok(call!(self, set_withheld(node, kinds))?)
    }

    /// All that nodes below were not sent.
    pub async fn list_withheld(self) -> Result<Vec<stored::WithheldKinds>> {
        Ok(call!(self, withheld())?)
    }

    /// Takes note of what was heard of the upstream's journal, beside the cursor.
    pub async fn receive_token(self, upstream: String, token: wire::Bookmark) -> Result<()> {
        Ok(call!(self, receive_token(upstream, token.into()))?)
    }

    /// Forgets some of that.
    pub async fn forget_tokens(self, upstream: String, tokens: Vec<String>) -> Result<()> {
        Ok(call!(self, forget_tokens(upstream, tokens))?)
    }

    /// Takes note that a subject's record is wanted.
    pub async fn want_record(self, subject: String) -> Result<()> {
        Ok(call!(self, want_record(subject))?)
    }

    /// The same of all subjects that concern this node.
    pub async fn want_all_records(self) -> Result<()> {
        Ok(call!(self, want_all_records())?)
    }

    /// The subjects whose records are still to come.
    pub async fn list_wanted_records(self) -> Result<Vec<String>> {
        Ok(call!(self, wanted_records())?)
    }

    /// After which sequence the rest of a subject's record begins.
    pub async fn find_wanted_from(self, subject: String) -> Result<Option<u64>> {
        Ok(call!(self, wanted_from(subject))?)
    }

    /// Takes note that a stretch of the journal was looked through in vain.
    pub async fn set_watermark(self, watermark: ScanWatermark) -> Result<()> {
        Ok(call!(self, set_watermark(watermark))?)
    }

    /// Applies a batch.
    pub async fn apply_batch(self, batch: StoreBatch) -> Result<()> {
        let batch = stored::Batch::from(batch);
        Ok(call!(self, apply(batch))?)
    }

    /// A page of conflicts.
    pub async fn list_conflicts(self, after: u64) -> Result<Vec<ListedConflict>> {
        call!(self, conflicts(after))?.into_iter().map(list_conflict).collect()
    }

    /// How many conflicts there are.
    pub async fn count_conflicts(self) -> Result<u64> {
        Ok(call!(self, count_conflicts())?)
    }

    /// How much of the disk the store takes.
    pub async fn read_usage(self) -> Result<Usage> {
        Ok(call!(self, size())?)
    }

    /// Keeps the store within limits.
    pub async fn keep_within(self, limits: Option<Limits>, holder: Option<String>) -> Result<()> {
        Ok(call!(self, keep_within(limits, holder))?)
    }

    /// Settles a conflict.
    pub async fn settle_conflict(self, key: u64, restore: bool) -> Result<bool> {
        Ok(call!(self, settle(key, restore))?)
    }
}
