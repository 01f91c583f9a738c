use crate::{Gap, Lane, Position, Span};

/// What a batch does to the position of its sender's journal.
///
/// The node above applies it at one position alone, the one that the sender knew. So a position
/// says that everything through it came from one copy of the journal, batch after batch; and
/// whoever knows the last batch for its own ([`crate::recognise::Told::is_of`]) knows all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where the node above is when it has all that was sent before.
    pub before: Position,
    /// As what the entries travel.
    pub lane: Lane,
    /// Which part of the journal they are.
    pub span: Span,
}

/// When it is a batch's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Now.
    Now,
    /// It overtook one that was sent before it: in a moment, or never.
    Early,
    /// Never: all of it is applied. It came twice, or another round of the sender was faster, or
    /// another copy of its disk.
    Done,
    /// Never: its place is taken, for the same reasons. The sender is told how far the journal is
    /// applied.
    Past,
}

impl Leg {
    /// Where it leads.
    ///
    /// # Errors
    /// [`Gap`] if the sender is confused about what it has sent.
    pub fn leads_to(&self) -> Result<Position, Gap> {
        self.before.with(self.lane, self.span.clone())
    }

    /// When it is this one's turn, at a node that has the sender's journal so far.
    pub fn turn(&self, applied: &Position) -> Turn {
        if *applied == self.before {
            Turn::Now
        } else if applied.with(self.lane, self.span.clone()).as_ref() == Ok(applied) {
            Turn::Done
        } else if self.before.places().any(|place| !applied.has(place.sequence)) {
            Turn::Early
        } else {
            Turn::Past
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    fn at(sequence: u64, receipt: &str) -> Position {
        let through = Place { sequence, receipt: receipt.to_owned() };
        Position { through, fresh: None }
    }

    fn leg(after: u64, through: u64) -> Leg {
        let Position { through, .. } = at(through, "new");
        Leg { before: at(after, "both"), lane: Lane::Backlog, span: Span { after, through } }
    }

    #[test]
    fn a_batch_is_applied_where_its_sender_knew_the_other_node_to_be() {
        assert_eq!(leg(10, 13).turn(&at(10, "both")), Turn::Now);
        assert_eq!(leg(10, 13).leads_to(), Ok(at(13, "new")));
        assert_eq!(leg(10, 13).turn(&at(9, "both")), Turn::Early);
        assert_eq!(leg(10, 13).turn(&at(13, "new")), Turn::Done);
        let Position { through, .. } = at(20, "fresh");
        let fresh = Position { fresh: Some(Span { after: 12, through }), ..at(11, "old") };
        assert_eq!(leg(10, 13).turn(&fresh), Turn::Past);
    }

    /// A node's disk is set back, and a batch that it sent before arrives after that. Then comes
    /// one from the restored disk, with other entries under the same sequences: it does not cover
    /// that the other one was applied.
    #[test]
    fn a_late_batch_of_a_lost_disk_stays_visible() {
        assert_eq!(leg(10, 13).turn(&at(10, "old")), Turn::Past);
        assert_eq!(leg(10, 13).turn(&at(12, "old")), Turn::Past);
        assert_eq!(leg(10, 13).turn(&at(14, "old")), Turn::Done);
    }
}
