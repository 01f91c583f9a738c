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

/// A sequence of a journal at which a batch ended, and that batch's receipt: by it the journal is
/// recognised, see [`crate::recognise`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The sequence; 0 is the beginning.
    pub sequence: u64,
    /// The receipt; empty at the beginning.
    pub receipt: String,
}

/// Consecutive entries of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The sequence that the first one follows.
    pub after: u64,
    /// The last one.
    pub through: Place,
}

/// How far a peer has applied a journal: everything through a sequence and, while there is a
/// backlog, a fresh span beyond it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Everything through this is applied.
    pub through: Place,
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
    pub fn with(&self, lane: Lane, span: Span) -> Result<Self, Gap> {
        let Position { through, fresh } = self.clone();
        let fresh = match (lane, fresh) {
            (Lane::Backlog, _) if span.after > through.sequence => return Err(Gap),
            (Lane::Backlog, fresh) => {
                return Ok(Self { through: later(through, span.through), fresh }.joined());
            }
            // What follows the backlog's end is backlog, whatever it is called.
            (Lane::Fresh, None) if span.after <= through.sequence => {
                return self.with(Lane::Backlog, span);
            }
            (Lane::Fresh, None) => span,
            (Lane::Fresh, Some(fresh)) if !fresh.leads_to(span.after) => return Err(Gap),
            (Lane::Fresh, Some(fresh)) => {
                Span { through: later(fresh.through, span.through), ..fresh }
            }
        };
        Ok(Self { through, fresh: Some(fresh) }.joined())
    }

    /// Makes one of the two parts when they meet.
    fn joined(self) -> Self {
        match self.fresh {
            Some(fresh) if fresh.after <= self.through.sequence => {
                Self { through: later(self.through, fresh.through), fresh: None }
            }
            _ => self,
        }
    }

    /// Whether this entry is applied.
    pub fn has(&self, sequence: u64) -> bool {
        let in_fresh = |fresh: &Span| sequence > fresh.after && sequence <= fresh.through.sequence;
        sequence <= self.through.sequence || self.fresh.as_ref().is_some_and(in_fresh)
    }

    /// The places by which this position is recognised; none at the beginning.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        let fresh = self.fresh.as_ref().map(|fresh| &fresh.through);
        [Some(&self.through), fresh].into_iter().flatten().filter(|place| place.sequence > 0)
    }
}

impl Span {
    /// Whether what follows this sequence follows the span, or overlaps it.
    fn leads_to(&self, after: u64) -> bool {
        (self.after..=self.through.sequence).contains(&after)
    }
}

fn later(one: Place, other: Place) -> Place {
    if other.sequence > one.sequence { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(sequence: u64) -> Place {
        Place { sequence, receipt: format!("m{sequence}") }
    }

    fn span(after: u64, through: u64) -> Span {
        Span { after, through: place(through) }
    }

    fn at(sequence: u64) -> Position {
        Position { through: place(sequence), fresh: None }
    }

    #[test]
    fn lanes_meet() {
        let position = at(10).with(Lane::Fresh, span(100, 120)).unwrap();
        assert_eq!(position, Position { fresh: Some(span(100, 120)), ..at(10) });
        let position = position.with(Lane::Backlog, span(10, 60)).unwrap();
        let position = position.with(Lane::Fresh, span(120, 130)).unwrap();
        assert_eq!(position.places().count(), 2);
        assert_eq!(position.with(Lane::Backlog, span(60, 100)).unwrap(), at(130));
    }

    #[test]
    fn gaps_are_refused() {
        let position = Position { fresh: Some(span(100, 120)), ..at(10) };
        assert_eq!(position.with(Lane::Backlog, span(11, 20)), Err(Gap));
        assert_eq!(position.with(Lane::Fresh, span(121, 130)), Err(Gap));
        assert_eq!(position.with(Lane::Fresh, span(50, 110)), Err(Gap));
        assert_eq!(position.with(Lane::Backlog, span(5, 8)), Ok(position));
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
                if let Ok(next) = position.with(lane, span(after, after + length)) {
                    (after + 1..=after + length).for_each(|at| applied[at as usize] = true);
                    position = next;
                }
                for sequence in 1..100 {
                    prop_assert!(!position.has(sequence) || applied[sequence as usize]);
                    prop_assert!(!before.has(sequence) || position.has(sequence));
                }
                prop_assert!(position.places().all(|at| at.receipt == place(at.sequence).receipt));
            }
        }
    }
}
