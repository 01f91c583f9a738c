use hedgeschool_journal_types::types::{Advance, CheckpointToken, Position};
use hedgeschool_sql::{Database, Value};
use serde_json::json;

use crate::error::Error;
use crate::peer::peer_position;
use crate::upstream::{read_cursor, wanted_from};

/// The last sequence that a database can have.
const SEQUENCE_MAX: u64 = i64::MAX as u64;

/// What a batch advances, as the view `advancing` takes it.
pub fn advance_json(advance: &Advance) -> Value {
    let json = match advance {
        Advance::Peer(peer) => json!({
            "of": "peer", "node": peer.node, "epoch": peer.epoch,
            "before": peer.before.as_ref().map(position_json), "after": position_json(&peer.after),
        }),
        Advance::Cursor(cursor) => json!({
            "of": "cursor", "upstream": cursor.upstream, "epoch": cursor.epoch,
            "before": cursor.before.as_ref().map(token_json),
            "after": cursor.after.as_ref().map(token_json),
        }),
        Advance::Record(record) => json!({
            "of": "record", "subject": record.subject,
            "before": record.before, "after": record.after,
        }),
    };
    Value::Text(json.to_string())
}

fn position_json(position: &Position) -> serde_json::Value {
    let fresh = position.fresh.as_ref();
    json!({
        "through": position.through.sequence,
        "token": position.through.token,
        "fresh_after": fresh.map(|fresh| fresh.after),
        "fresh_through": fresh.map(|fresh| fresh.through.sequence),
        "fresh_token": fresh.map(|fresh| &fresh.through.token),
    })
}

fn token_json(token: &CheckpointToken) -> serde_json::Value {
    json!({ "epoch": token.epoch, "through": token.through, "token": token.token })
}

/// Refuses sequences beyond SQLite's integers, which no journal ever comes to.
pub(crate) fn check_sequences(advance: &Advance) -> Result<(), Error> {
    let last = match advance {
        Advance::Peer(peer) => {
            let fresh = peer.after.fresh.as_ref();
            fresh.map_or(0, |fresh| fresh.through.sequence).max(peer.after.through.sequence)
        }
        Advance::Cursor(cursor) => cursor.after.as_ref().map_or(0, |after| after.through),
        Advance::Record(record) => record.after.unwrap_or(0),
    };
    if last <= SEQUENCE_MAX {
        return Ok(());
    }
    Err(Error::Invalid(format!("a sequence is at most {SEQUENCE_MAX}")))
}

/// Whether what a batch advances is where the batch says: then it is its turn.
pub(crate) async fn is_due(database: &Database, advance: &Advance) -> Result<bool, Error> {
    Ok(match advance {
        Advance::Peer(peer) => {
            let known = peer_position(database, peer.node.clone(), peer.epoch.clone()).await?;
            known == peer.before
        }
        Advance::Cursor(of) => {
            read_cursor(database, of.upstream.clone(), of.epoch.clone()).await? == of.before
        }
        Advance::Record(record) => {
            wanted_from(database, record.subject.clone()).await? == Some(record.before)
        }
    })
}
