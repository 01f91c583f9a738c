use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// `POST /sync/v1/entries`: a part of a node's journal, in order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The sending node's `node_id`.
    pub node: String,
    /// The epoch of its journal.
    pub epoch: String,
    /// The sequence that the first entry follows.
    pub after: u64,
    /// The entries, by growing sequence. At most [`crate::BATCH_ENTRIES_MAX`].
    pub entries: Vec<Entry>,
}

/// One change.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Position in the sender's journal.
    pub sequence: u64,
    /// What changed.
    pub kind: String,
    /// The change, in the very bytes the store wrote.
    pub payload: Box<RawValue>,
}

/// The answer to a batch, with status 200; with 409, entries before the batch are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Through which sequence the sender's journal is durably applied.
    pub applied: u64,
}

/// Why a batch was refused before it was applied.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON of the expected shape.
    #[error("the batch is not the JSON expected: {0}")]
    Json(String),
    /// More entries than allowed.
    #[error("a batch has at most {} entries", crate::BATCH_ENTRIES_MAX)]
    TooMany,
    /// Sequences that do not grow from `after` on.
    #[error("the sequences of a batch must grow and follow `after`")]
    Order,
}

impl Batch {
    /// Reads and checks a batch.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let batch: Self =
            serde_json::from_slice(body).map_err(|error| WireError::Json(error.to_string()))?;
        if batch.entries.len() > crate::BATCH_ENTRIES_MAX as usize {
            return Err(WireError::TooMany);
        }
        let grows = |last, entry: &Entry| (entry.sequence > last).then_some(entry.sequence);
        batch.entries.iter().try_fold(batch.after, grows).ok_or(WireError::Order)?;
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &str) -> Result<Batch, WireError> {
        let body = format!(r#"{{"node":"n","epoch":"e","after":4,"entries":[{entries}]}}"#);
        Batch::parse(body.as_bytes())
    }

    #[test]
    fn payloads_keep_their_bytes() {
        let batch = parse(r#"{"sequence":5,"kind":"statement","payload":{ "a" : 1.50 }}"#).unwrap();
        assert_eq!(batch.entries[0].payload.get(), r#"{ "a" : 1.50 }"#);
        assert!(serde_json::to_string(&batch).unwrap().contains(r#"{ "a" : 1.50 }"#));
    }

    #[test]
    fn order_and_shape_are_checked() {
        let entry = |sequence| format!(r#"{{"sequence":{sequence},"kind":"k","payload":1}}"#);
        assert!(parse("").is_ok());
        assert_eq!(parse(&entry(4)).err(), Some(WireError::Order));
        assert_eq!(parse(&format!("{},{}", entry(6), entry(6))).err(), Some(WireError::Order));
        assert!(matches!(parse("7"), Err(WireError::Json(_))));
        let many = (5..506).map(entry).collect::<Vec<_>>().join(",");
        assert_eq!(parse(&many).err(), Some(WireError::TooMany));
    }
}
