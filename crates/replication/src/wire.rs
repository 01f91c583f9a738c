//! The messages, as JSON. `docs/replication.md` describes them for other implementations.
//!
//! Fields that a reader does not know are left aside: a newer node may say more. Payloads of
//! entries are another matter, which the stores read: nothing of those may be lost.

mod messages;
mod parse;

pub use crate::entry::Entry;
pub use messages::{
    ATTACHMENT_PATH, Applied, AttachmentRequest, BATCH_BYTES, BATCH_ENTRIES_MAX, BLOBS_PATH,
    BODY_BYTES_MAX, Batch, BlobsRequest, Bookmark, Cursor, ENTRIES_PATH, Feed, FeedPage, HEARD_MAX,
    Health, PIECE_BYTES_MAX, PIECES_BYTES_MAX, PIECES_MAX, PULL_PATH, Piece, Pull, Pulled,
    RECORD_PATH, Record, RecordRequest, SERVES_MAX, WAIT_MS_MAX,
};
pub use parse::{WireError, last_in_order};
