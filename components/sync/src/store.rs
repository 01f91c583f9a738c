//! The node's stores, through their WIT: the only way to what is kept.

pub mod bindings;
mod conflict;
mod journal;
mod kept_json;
mod types;

pub use bindings::{arrivals, attachments, node_state, packages, traces, wit_stream};
pub use conflict::ListedConflict;
pub use hedgeschool_journal_types::types::{
    Advance, Audience, Concern, CursorAdvance, Limits, PeerAdvance, RecordAdvance, ScanWatermark,
    UpstreamState as StoredUpstreamState,
};
pub use journal::Journal;
pub use kept_json::read_or_begin;
pub use types::{JournalPage, PeerState, StoreBatch, issued_tokens, origin_of};
