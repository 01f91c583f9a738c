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
        } else if now.has(self.span.through.sequence) {
            Moved::Applied(now)
        } else {
            Moved::Again(Self { from: now, ..self })
        }
    }
}
