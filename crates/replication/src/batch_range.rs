use crate::position::{Gap, Lane, Position, Span};

/// Which part of its sender's journal a batch is, and the position that it is to be applied at.
///
/// The node above applies it at one position alone, the one that the sender knew. So a position
/// says that everything through it came from one copy of the journal, batch after batch; and
/// whoever knows the last batch for its own ([`crate::tokens::IssuedTokens::issued_all_of`]) knows
/// all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRange {
    /// The position of the node above when it has applied all that was sent before.
    pub before: Position,
    /// As what the entries travel.
    pub lane: Lane,
    /// Which part of the journal they are.
    pub span: Span,
}

/// Whether a batch is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Yes: it follows what is applied.
    Apply,
    /// Not yet: it overtook one that was sent before it. In a moment, or never.
    OutOfOrder,
    /// No: all of it is applied. It came twice, or another round of the sender was faster, or
    /// another copy of its disk.
    Duplicate,
    /// No: other entries are applied in its place, for the same reasons. The sender is told how
    /// far the journal is applied.
    Conflict,
}

impl BatchRange {
    /// The position once it is applied.
    ///
    /// # Errors
    /// [`Gap`] if the sender is confused about what it has sent.
    pub fn end_position(&self) -> Result<Position, Gap> {
        self.before.advance(self.lane, self.span.clone())
    }

    /// Whether it is applied by a node that has applied the sender's journal so far.
    pub fn admission_at(&self, applied: &Position) -> Admission {
        if *applied == self.before {
            Admission::Apply
        } else if applied.advance(self.lane, self.span.clone()).as_ref() == Ok(applied) {
            Admission::Duplicate
        } else if self.before.checkpoints().any(|known| !applied.includes(known.sequence)) {
            Admission::OutOfOrder
        } else {
            Admission::Conflict
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Checkpoint;

    fn at(sequence: u64, token: &str) -> Position {
        let through = Checkpoint { sequence, token: token.to_owned() };
        Position { through, fresh: None }
    }

    fn range(after: u64, through: u64) -> BatchRange {
        let Position { through, .. } = at(through, "new");
        BatchRange { before: at(after, "both"), lane: Lane::Backlog, span: Span { after, through } }
    }

    #[test]
    fn a_batch_is_applied_where_its_sender_knew_the_other_node_to_be() {
        assert_eq!(range(10, 13).admission_at(&at(10, "both")), Admission::Apply);
        assert_eq!(range(10, 13).end_position(), Ok(at(13, "new")));
        assert_eq!(range(10, 13).admission_at(&at(9, "both")), Admission::OutOfOrder);
        assert_eq!(range(10, 13).admission_at(&at(13, "new")), Admission::Duplicate);
        let Position { through, .. } = at(20, "fresh");
        let fresh = Position { fresh: Some(Span { after: 12, through }), ..at(11, "old") };
        assert_eq!(range(10, 13).admission_at(&fresh), Admission::Conflict);
    }

    /// A node's disk is set back, and a batch that it sent before arrives after that. Then comes
    /// one from the restored disk, with other entries under the same sequences: it does not cover
    /// that the other one was applied.
    #[test]
    fn a_late_batch_of_a_lost_disk_stays_visible() {
        assert_eq!(range(10, 13).admission_at(&at(10, "old")), Admission::Conflict);
        assert_eq!(range(10, 13).admission_at(&at(12, "old")), Admission::Conflict);
        assert_eq!(range(10, 13).admission_at(&at(14, "old")), Admission::Duplicate);
    }
}
