//! Reading messages, and refusing those that break a rule.

use serde::Deserialize;

use super::messages::{
    AttachmentRequest, BATCH_ENTRIES_MAX, Batch, BlobsRequest, Bookmark, Cursor, HEARD_MAX,
    PIECE_BYTES_MAX, PIECES_MAX, Pull, RecordRequest, SERVES_MAX,
};
use crate::entry::Entry;

/// Longest name of a node, journal, epoch or kind, in bytes; longest subject ten times that.
const NAME_BYTES_MAX: usize = 200;

/// Why a message was refused before anything came of it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON of the expected shape.
    #[error("the message is not the JSON expected: {0}")]
    Json(String),
    /// More of something than allowed.
    #[error("a message has at most {0}")]
    TooMany(&'static str),
    /// No entries, or sequences that do not grow.
    #[error("a batch has entries, whose sequences grow and follow `after`, which follows `before`")]
    Order,
    /// A name that is empty, or too long.
    #[error("{0} must have 1 to {NAME_BYTES_MAX} bytes")]
    Name(&'static str),
}

/// Reads a message.
fn read_message<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, WireError> {
    serde_json::from_slice(body).map_err(|error| WireError::Json(error.to_string()))
}

fn check_name(what: &'static str, name: &str) -> Result<(), WireError> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) { Ok(()) } else { Err(WireError::Name(what)) }
}

fn check_bookmarks(heard: &[Bookmark]) -> Result<(), WireError> {
    if heard.len() > HEARD_MAX + 1 { Err(WireError::TooMany("51 bookmarks")) } else { Ok(()) }
}

/// The sequence of the last of entries that follow another one; that one's if there are none.
/// None: their sequences do not grow, or one came before.
pub fn last_in_order(after: u64, entries: &[Entry]) -> Option<u64> {
    let grows = |last, entry: &Entry| (entry.sequence > last).then_some(entry.sequence);
    entries.iter().try_fold(after, grows)
}

impl Batch {
    /// Reads and checks a batch.
    ///
    /// # Errors
    /// [`WireError`] if it is not such a message, or breaks a rule or a limit.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let batch: Self = read_message(body)?;
        if batch.entries.len() > BATCH_ENTRIES_MAX as usize {
            return Err(WireError::TooMany("500 entries"));
        }
        check_bookmarks(&batch.heard)?;
        check_name("epoch", &batch.epoch)?;
        check_name("receipt", &batch.token)?;
        let last = last_in_order(batch.after, &batch.entries);
        last.filter(|last| *last > batch.after).ok_or(WireError::Order)?;
        batch.range().end_position().map_err(|_| WireError::Order)?;
        Ok(batch)
    }
}

impl Pull {
    /// Reads and checks a pull.
    ///
    /// # Errors
    /// [`WireError`] if it is not such a message, or breaks a rule or a limit.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let pull: Self = read_message(body)?;
        if pull.serves.len() > SERVES_MAX {
            return Err(WireError::TooMany("10,000 nodes below a node"));
        }
        pull.serves.iter().try_for_each(|node| check_name("a node", node))?;
        pull.journals.values().try_for_each(Cursor::check_limits)?;
        Ok(pull)
    }
}

impl Cursor {
    fn check_limits(&self) -> Result<(), WireError> {
        check_bookmarks(&self.heard)?;
        check_name("epoch", &self.epoch)
    }
}

impl RecordRequest {
    /// Reads and checks a request for a record.
    ///
    /// # Errors
    /// [`WireError`] if it is not such a message, or breaks a rule or a limit.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let request: Self = read_message(body)?;
        if !(1..=10 * NAME_BYTES_MAX).contains(&request.subject.len()) {
            return Err(WireError::Name("subject"));
        }
        request.cursor.check_limits()?;
        Ok(request)
    }
}

impl AttachmentRequest {
    /// Reads and checks one.
    ///
    /// # Errors
    /// [`WireError`] if it is not such a message, or breaks a rule or a limit.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let request: Self = read_message(body)?;
        check_name("sha2", &request.sha2)?;
        Ok(request)
    }
}

impl BlobsRequest {
    /// Reads and checks a request for pieces.
    ///
    /// # Errors
    /// [`WireError`] if it is not such a message, or breaks a rule or a limit.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let pieces: Self = read_message(body)?;
        if pieces.pieces.len() > PIECES_MAX {
            return Err(WireError::TooMany("256 pieces"));
        }
        if pieces.pieces.iter().any(|piece| piece.length > PIECE_BYTES_MAX) {
            return Err(WireError::TooMany("1,048,576 bytes a piece"));
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_batch_of(entries: &str) -> Result<Batch, WireError> {
        let body = format!(
            r#"{{"node":"n","journal":"progress","epoch":"e","above":"f","before":{{"through":{{"sequence":4,"receipt":"r"}}}},
              "lane":"backlog","after":4,"receipt":"s","entries":[{entries}]}}"#
        );
        Batch::parse(body.as_bytes())
    }

    #[test]
    fn payloads_keep_their_bytes() {
        let batch = parse_batch_of(r#"{"sequence":5,"kind":"statement","payload":{ "a" : 1.50 }}"#)
            .unwrap();
        assert_eq!(batch.entries[0].payload.get(), r#"{ "a" : 1.50 }"#);
        assert!(serde_json::to_string(&batch).unwrap().contains(r#"{ "a" : 1.50 }"#));
    }

    #[test]
    fn order_and_shape_are_checked() {
        let entry = |sequence| format!(r#"{{"sequence":{sequence},"kind":"k","payload":1}}"#);
        assert!(parse_batch_of(&entry(9)).is_ok());
        assert_eq!(parse_batch_of("").err(), Some(WireError::Order));
        assert_eq!(parse_batch_of(&entry(4)).err(), Some(WireError::Order));
        assert_eq!(
            parse_batch_of(&format!("{},{}", entry(6), entry(6))).err(),
            Some(WireError::Order)
        );
        let many = (5..506).map(entry).collect::<Vec<_>>().join(",");
        assert_eq!(parse_batch_of(&many).err(), Some(WireError::TooMany("500 entries")));
        assert!(matches!(Batch::parse(b"7"), Err(WireError::Json(_))));
        let body = r#"{"node":"n","journal":"j","epoch":"e","before":{"through":{"sequence":4,"receipt":"r"}},"lane":"backlog",
            "after":5,"receipt":"s","entries":[{"sequence":6,"kind":"k","payload":1}]}"#;
        assert_eq!(Batch::parse(body.as_bytes()).err(), Some(WireError::Order));
    }
}
