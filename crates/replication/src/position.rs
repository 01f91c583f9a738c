use serde::{Deserialize, Serialize};

/// Which way an entry travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// In order, from the journal's beginning.
    Backlog,
    /// Ahead of a backlog: what was recorded since the node came back to its upstream.
    Fresh,
}

/// A sequence of a journal at which a batch ended, and that batch's token: by it the journal is
/// recognised, see [`crate::tokens`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The sequence; 0 is the beginning.
    pub sequence: u64,
    /// The token; empty at the beginning.
    #[serde(rename = "receipt")]
    pub token: String,
}

/// Consecutive entries of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The sequence that the first one follows.
    pub after: u64,
    /// The last one.
    pub through: Checkpoint,
}

/// How far a peer has applied a journal: everything through a sequence and, while there is a
/// backlog, a fresh span beyond it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Everything through this is applied.
    pub through: Checkpoint,
    /// And so is this, beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Span>,
}

/// Entries before these are missing: they cannot be applied yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entries before these are missing")]
pub struct Gap;

impl Position {
    /// The position once a span is applied too. What was applied before may be applied again.
    ///
    /// # Errors
    /// [`Gap`] if the span does not follow what its lane has. The fresh lane starts anywhere, once.
    pub fn advance(&self, lane: Lane, span: Span) -> Result<Self, Gap> {
        let Position { through, fresh } = self.clone();
        let fresh = match (lane, fresh) {
            (Lane::Backlog, _) if span.after > through.sequence => return Err(Gap),
            (Lane::Backlog, fresh) => {
                return Ok(
                    Self { through: later_checkpoint(through, span.through), fresh }.join_lanes()
                );
            }
            // What follows the backlog's end is backlog, whatever it is called.
            (Lane::Fresh, None) if span.after <= through.sequence => {
                return self.advance(Lane::Backlog, span);
            }
            (Lane::Fresh, None) => span,
            (Lane::Fresh, Some(fresh)) if !fresh.is_followed_by(span.after) => return Err(Gap),
            (Lane::Fresh, Some(fresh)) => {
                Span { through: later_checkpoint(fresh.through, span.through), ..fresh }
            }
        };
        Ok(Self { through, fresh: Some(fresh) }.join_lanes())
    }

    /// Makes one of the two parts when they meet.
    fn join_lanes(self) -> Self {
        match self.fresh {
            Some(fresh) if fresh.after <= self.through.sequence => {
                Self { through: later_checkpoint(self.through, fresh.through), fresh: None }
            }
            _ => self,
        }
    }

    /// Whether this entry is applied.
    pub fn includes(&self, sequence: u64) -> bool {
        let in_fresh = |fresh: &Span| sequence > fresh.after && sequence <= fresh.through.sequence;
        sequence <= self.through.sequence || self.fresh.as_ref().is_some_and(in_fresh)
    }

    /// The checkpoints by which this position is recognised; none at the beginning.
    pub fn checkpoints(&self) -> impl Iterator<Item = &Checkpoint> {
        let fresh = self.fresh.as_ref().map(|fresh| &fresh.through);
        [Some(&self.through), fresh].into_iter().flatten().filter(|end| end.sequence > 0)
    }
}

impl Span {
    /// Whether what follows this sequence follows the span, or overlaps it.
    fn is_followed_by(&self, after: u64) -> bool {
        (self.after..=self.through.sequence).contains(&after)
    }
}

fn later_checkpoint(one: Checkpoint, other: Checkpoint) -> Checkpoint {
    if other.sequence > one.sequence { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checkpoint(sequence: u64) -> Checkpoint {
        Checkpoint { sequence, token: format!("m{sequence}") }
    }

    fn span(after: u64, through: u64) -> Span {
        Span { after, through: checkpoint(through) }
    }

    fn at(sequence: u64) -> Position {
        Position { through: checkpoint(sequence), fresh: None }
    }

    #[test]
    fn lanes_meet() {
        let position = at(10).advance(Lane::Fresh, span(100, 120)).unwrap();
        assert_eq!(position, Position { fresh: Some(span(100, 120)), ..at(10) });
        let position = position.advance(Lane::Backlog, span(10, 60)).unwrap();
        let position = position.advance(Lane::Fresh, span(120, 130)).unwrap();
        assert_eq!(position.checkpoints().count(), 2);
        assert_eq!(position.advance(Lane::Backlog, span(60, 100)).unwrap(), at(130));
    }

    #[test]
    fn gaps_are_refused() {
        let position = Position { fresh: Some(span(100, 120)), ..at(10) };
        assert_eq!(position.advance(Lane::Backlog, span(11, 20)), Err(Gap));
        assert_eq!(position.advance(Lane::Fresh, span(121, 130)), Err(Gap));
        assert_eq!(position.advance(Lane::Fresh, span(50, 110)), Err(Gap));
        assert_eq!(position.advance(Lane::Backlog, span(5, 8)), Ok(position));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// What a position says is applied has been; and what was applied stays so.
        #[test]
        fn a_position_never_claims_what_was_not_applied(
            steps in prop::collection::vec((any::<bool>(), 0u64..60, 1u64..20), 0..60),
        ) {
            let mut position = Position::default();
            let mut applied = [false; 100];
            for (fresh, after, length) in steps {
                let lane = if fresh { Lane::Fresh } else { Lane::Backlog };
                let before = position.clone();
                if let Ok(next) = position.advance(lane, span(after, after + length)) {
                    (after + 1..=after + length).for_each(|at| applied[at as usize] = true);
                    position = next;
                }
                for sequence in 1..100 {
                    prop_assert!(!position.includes(sequence) || applied[sequence as usize]);
                    prop_assert!(!before.includes(sequence) || position.includes(sequence));
                }
                let is_known = |at: &Checkpoint| at.token == checkpoint(at.sequence).token;
                prop_assert!(position.checkpoints().all(is_known));
            }
        }
    }
}
