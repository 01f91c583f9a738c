//! A guest's statement, and what its connection remembers between two.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::value::Value;

/// What SQLite would remember on a guest's own connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) last_insert_rowid: i64,
    pub(crate) changes: u64,
}

/// A guest's statement, ready to run.
pub(crate) struct Call {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
    pub(crate) deadline: Instant,
    /// Set when nobody waits for the result any more.
    pub(crate) cancelled: Arc<AtomicBool>,
    pub(crate) session: Session,
}
