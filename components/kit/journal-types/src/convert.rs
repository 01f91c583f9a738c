//! Between what stores keep and what travels.

use hedgeschool_replication::{Checkpoint, Position, Span, wire};
use serde_json::value::RawValue;

use crate::bindings::hedgeschool::journal::types;

impl From<Checkpoint> for types::Checkpoint {
    fn from(checkpoint: Checkpoint) -> Self {
        Self { sequence: checkpoint.sequence, token: checkpoint.token }
    }
}

impl From<types::Checkpoint> for Checkpoint {
    fn from(checkpoint: types::Checkpoint) -> Self {
        Self { sequence: checkpoint.sequence, token: checkpoint.token }
    }
}

impl From<Position> for types::Position {
    fn from(position: Position) -> Self {
        let fresh = position
            .fresh
            .map(|Span { after, through }| types::Span { after, through: through.into() });
        Self { through: position.through.into(), fresh }
    }
}

impl From<types::Position> for Position {
    fn from(position: types::Position) -> Self {
        let fresh = position
            .fresh
            .map(|types::Span { after, through }| Span { after, through: through.into() });
        Self { through: position.through.into(), fresh }
    }
}

impl From<wire::Bookmark> for types::CheckpointToken {
    fn from(bookmark: wire::Bookmark) -> Self {
        let wire::Bookmark { epoch, through, token } = bookmark;
        Self { epoch, through, token }
    }
}

impl From<types::CheckpointToken> for wire::Bookmark {
    fn from(token: types::CheckpointToken) -> Self {
        let types::CheckpointToken { epoch, through, token } = token;
        Self { epoch, through, token }
    }
}

impl From<wire::Entry> for types::Entry {
    fn from(entry: wire::Entry) -> Self {
        let wire::Entry { sequence, kind, payload } = entry;
        Self { sequence, kind, payload: Box::<str>::from(payload).into() }
    }
}

/// A store writes JSON: what is none was damaged.
impl TryFrom<types::Entry> for wire::Entry {
    type Error = serde_json::Error;

    fn try_from(entry: types::Entry) -> Result<Self, Self::Error> {
        let types::Entry { sequence, kind, payload } = entry;
        Ok(Self { sequence, kind, payload: RawValue::from_string(payload)? })
    }
}
