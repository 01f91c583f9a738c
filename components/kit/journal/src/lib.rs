//! The journal of a store: an ordered log of what changed, who gets it, and what replication
//! remembers beside it.
//!
//! Every store has the same `journal` interface, of the types of `hedgeschool:journal`, so that
//! replication needs to know of none in particular. A store puts [`SCHEMA`] before its own
//! migrations and [`CHECKPOINTS`] among them, says in a view what its entries are, implements
//! [`Kinds`], and exports the interface with [`export_journal!`].

mod advance;
mod apply;
#[cfg(test)]
mod checkpoints_tests;
mod conflict;
mod error;
mod export;
mod follow;
mod kinds;
mod merge;
mod parameter;
mod peer;
mod read;
mod room;
mod schema;
mod upstream;

pub use hedgeschool_journal_types::types;
pub use hedgeschool_sql::Error as SqlError;

pub use advance::advance_json;
pub use apply::apply_batch;
pub use conflict::{count_conflicts, read_conflicts, settle_conflict};
pub use error::Error;
pub use follow::{follow_subject, is_followed};
pub use kinds::{Insertion, Kinds, Lost};
pub use merge::{Merged, Versioned, check_version, merged};
pub use parameter::integer;
pub use peer::{
    issue_token, peer_epochs, peer_position, read_peer_state, read_withheld, set_missed,
    set_withheld,
};
pub use read::{
    ENTRIES_MAX, count_waiting, find_concerned, find_entry, read_entries, read_head, read_page,
};
pub use room::{check_room, keep_within, live_bytes, read_limits, read_usage};
pub use schema::{CHECKPOINTS, RESTORED, SCHEMA, begin_epoch, check_schema, read_epoch};
pub use types::{Advance, Batch, Entry, JournalPage, Limits, Usage};
pub use upstream::{
    forget_tokens, read_upstream_state, receive_token, set_watermark, want_all_records,
    want_record, wanted_from, wanted_records,
};
