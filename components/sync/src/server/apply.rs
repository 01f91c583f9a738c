//! Applying a batch of a node below.

use std::collections::BTreeSet;

use hedgeschool_redis::changed;
use hedgeschool_replication::wire::{Applied, Batch, WireError};
use hedgeschool_replication::{Admission, Position};
use hedgeschool_web::{Problem, StatusCode};

use crate::error::{Result, SyncError};
use crate::peer::find_report;
use crate::store::{Advance, Journal, PeerAdvance, PeerState, StoreBatch, origin_of};

/// What is answered without trying to apply a batch. None: it is tried; if it is out of order, the
/// store waits for the one before it for a moment.
fn answer_before(admission: Admission) -> Option<StatusCode> {
    match admission {
        Admission::Duplicate => Some(StatusCode::OK),
        Admission::Conflict => Some(StatusCode::CONFLICT),
        Admission::Apply | Admission::OutOfOrder => None,
    }
}

/// What is answered to a batch that could not be applied, because the journal was not where it
/// begins; by where that is now. None: try again.
fn answer_after(admission: Admission) -> Option<StatusCode> {
    match admission {
        Admission::Duplicate => Some(StatusCode::OK),
        Admission::OutOfOrder | Admission::Conflict => Some(StatusCode::CONFLICT),
        Admission::Apply => None,
    }
}

/// The nodes whose own data a sender may change: itself and those below it.
fn scope_of(sender: &str, below: BTreeSet<String>) -> Vec<String> {
    below.into_iter().chain([sender.to_owned()]).collect()
}

/// Applies a batch of the node that it names, all or nothing, and answers how far the journal is
/// applied.
pub async fn apply_batch(journal: Journal, batch: Batch) -> Result<(StatusCode, Applied)> {
    let range = batch.range();
    let end = range.end_position().map_err(|_| WireError::Order)?;
    let Batch { node: sender, epoch, above, heard, entries, .. } = batch;
    let PeerState { epoch: here, issued, applied: position, .. } =
        journal.read_peer_state(sender.clone(), epoch.clone()).await?;
    if !issued.matches_sender(&here, above.as_deref(), &heard) {
        let detail = "this is for a journal that is not here any more: ask for news first";
        return Err(Problem::new(StatusCode::PRECONDITION_FAILED, detail).into());
    }
    if let Some(status) = answer_before(range.admission_at(&position)) {
        return Ok((status, Applied { position }));
    }
    let below = find_report(&sender).await?.serves;
    let stored = StoreBatch {
        peer: origin_of(&sender, &epoch),
        scope: Some(scope_of(&sender, below)),
        advance: advance_peer(&sender, &epoch, &range.before, &end),
        entries,
    };
    match journal.apply_batch(stored).await {
        Ok(()) => {
            changed(journal.name());
            return Ok((StatusCode::OK, Applied { position: end }));
        }
        Err(SyncError::Moved) => {}
        Err(error) => return Err(error),
    }
    let position = journal.read_peer_position(sender, epoch).await?;
    let status = answer_after(range.admission_at(&position)).ok_or(SyncError::Busy)?;
    Ok((status, Applied { position }))
}

/// Moves a position here (compare-and-set); where nothing is applied yet, there is none.
fn advance_peer(node: &str, epoch: &str, before: &Position, after: &Position) -> Advance {
    let is_beginning = *before == Position::default();
    Advance::Peer(PeerAdvance {
        node: node.to_owned(),
        epoch: epoch.to_owned(),
        before: (!is_beginning).then(|| before.clone().into()),
        after: after.clone().into(),
    })
}

#[cfg(test)]
mod tests {
    use hedgeschool_replication::{BatchRange, Checkpoint, Lane, Span};

    use super::*;

    fn position(sequence: u64, token: &str) -> Position {
        Position { through: Checkpoint { sequence, token: token.to_owned() }, fresh: None }
    }

    #[test]
    fn a_batch_is_answered_by_where_the_journal_is() {
        let span = Span { after: 10, through: Checkpoint { sequence: 13, token: "b".to_owned() } };
        let range = BatchRange { before: position(10, "a"), lane: Lane::Backlog, span };
        let answers = |at: &Position| {
            let admission = range.admission_at(at);
            [answer_before(admission), answer_after(admission)]
                .map(|status| status.map(|s| s.as_u16()))
        };
        assert_eq!(answers(&position(10, "a")), [None, None]);
        assert_eq!(answers(&position(9, "z")), [None, Some(409)]);
        assert_eq!(answers(&position(13, "b")), [Some(200), Some(200)]);
        assert_eq!(answers(&position(12, "x")), [Some(409), Some(409)]);
    }

    #[test]
    fn a_node_changes_its_own_data_and_those_of_nodes_below_it() {
        let below = BTreeSet::from(["leaf".to_owned()]);
        assert_eq!(scope_of("edge", below), ["leaf", "edge"]);
        assert_eq!(scope_of("edge", BTreeSet::new()), ["edge"]);
    }

    #[test]
    fn the_first_batch_begins_where_nothing_is() {
        let before = |at: &Position| match advance_peer("edge", "e", at, &position(13, "b")) {
            Advance::Peer(advance) => advance.before.map(|before| before.through.sequence),
            _ => None,
        };
        assert_eq!(before(&Position::default()), None);
        assert_eq!(before(&position(10, "a")), Some(10));
    }
}
