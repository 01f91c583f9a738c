use crate::{Gap, Lane, Position, Span};

/// A batch at the node above, which compares and swaps its note of how far the sender's journal is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applying {
    lane: Lane,
    span: Span,
    /// What the note is thought to say.
    from: Position,
}

/// What to do about a note that said something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Try again, from what it says.
    Again(Applying),
    /// Nothing: it says that the batch is applied, and this.
    Applied(Position),
    /// It says what was expected, and did not a moment ago: the sender tries again later.
    Busy,
}

impl Applying {
    /// Begins with what the sender thinks: it may have sent what comes before at the same time.
    pub fn new(before: Position, lane: Lane, span: Span) -> Self {
        Self { lane, span, from: before }
    }

    /// What the note has to say, and what it says afterwards.
    ///
    /// # Errors
    /// [`Gap`]: entries before these are missing.
    pub fn step(&self) -> Result<(&Position, Position), Gap> {
        Ok((&self.from, self.from.with(self.lane, self.span.clone())?))
    }

    /// What the note is thought to say.
    pub fn from(&self) -> &Position {
        &self.from
    }

    /// The note said something else, and says this now.
    #[must_use]
    pub fn moved(self, now: Position) -> Moved {
        if now == self.from {
            Moved::Busy
        } else if now.places().any(|place| *place == self.span.through) {
            Moved::Applied(now)
        } else {
            // Also if it is further already: that may be the work of another copy of the sender's disk, which had
            // other entries under these sequences. Applying again what is applied changes nothing.
            Moved::Again(Self { from: now, ..self })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;

    fn place(sequence: u64, mark: &str) -> Place {
        Place { sequence, mark: mark.to_owned() }
    }

    fn at(sequence: u64, mark: &str) -> Position {
        Position { through: place(sequence, mark), fresh: None }
    }

    /// A node's disk is set back, and a batch that it sent before arrives after that. Then comes one from the restored
    /// disk, with other entries under the same sequences: it is not to be taken for applied.
    #[test]
    fn a_late_batch_of_a_lost_disk_hides_none_of_the_restored_one() {
        let span = Span { after: 10, through: place(13, "new") };
        let applying = Applying::new(at(10, "both"), Lane::Backlog, span);
        let Moved::Again(again) = applying.clone().moved(at(14, "old")) else {
            panic!("its entries would never be applied");
        };
        assert_eq!(again.step(), Ok((&at(14, "old"), at(14, "old"))));
        assert_eq!(applying.clone().moved(at(13, "new")), Moved::Applied(at(13, "new")));
        assert_eq!(applying.moved(at(10, "both")), Moved::Busy);
    }
}
