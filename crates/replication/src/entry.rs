use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One change.
#[derive(Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the sender's journal.
    pub sequence: u64,
    /// What changed.
    pub kind: String,
    /// The change, in the very bytes the store wrote.
    pub payload: Box<RawValue>,
}
