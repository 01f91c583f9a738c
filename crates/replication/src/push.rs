/// A node's push to its upstream: where it is, and where each answer takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// Everything through this sequence is known to be applied upstream.
    pub cursor: u64,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream applied it and has the journal through this sequence.
    Applied(u64),
    /// The upstream lacks entries before it and has the journal through this sequence only: it lost some,
    /// or is another one.
    Gap(u64),
    /// The upstream is behind with its work and asks for a pause.
    Busy {
        /// How long, in seconds.
        retry_after_s: u64,
    },
    /// No answer, or one that says nothing of the batch.
    Failed(String),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Remember the cursor, and go on from there.
    Continue,
    /// End the round; try again no sooner than this many seconds from now.
    Pause {
        /// Seconds; 0 leaves it to the usual interval.
        retry_after_s: u64,
        /// What to tell the operator.
        reason: String,
    },
}

impl Push {
    /// Takes the answer to a batch that followed the cursor and ended with `last`.
    ///
    /// The cursor never passes what this node sent: an upstream may know a longer journal of this node,
    /// from before this node's disk was restored, and what was recorded since must still be sent.
    pub fn answered(&mut self, last: u64, outcome: Outcome) -> Next {
        let pause = |retry_after_s, reason: String| Next::Pause { retry_after_s, reason };
        match outcome {
            Outcome::Applied(through) if through > self.cursor => {
                self.cursor = through.min(last);
                Next::Continue
            }
            Outcome::Applied(through) => {
                pause(0, format!("the upstream applied a batch, yet stands at {through}"))
            }
            Outcome::Gap(through) if through < self.cursor => {
                self.cursor = through;
                Next::Continue
            }
            Outcome::Gap(through) => {
                pause(0, format!("the upstream misses entries, yet stands at {through}"))
            }
            Outcome::Busy { retry_after_s } => pause(retry_after_s, "the upstream is busy".into()),
            Outcome::Failed(reason) => pause(0, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cursor_follows_what_is_applied_and_sent() {
        let mut push = Push { cursor: 10 };
        assert_eq!(push.answered(20, Outcome::Applied(20)), Next::Continue);
        assert_eq!(push.cursor, 20);
        // The upstream knows more of this node than this node does.
        assert_eq!(push.answered(25, Outcome::Applied(900)), Next::Continue);
        assert_eq!(push.cursor, 25);
        // The upstream was restored from an old backup.
        assert_eq!(push.answered(30, Outcome::Gap(7)), Next::Continue);
        assert_eq!(push.cursor, 7);
    }

    #[test]
    fn nonsense_ends_the_round() {
        let mut push = Push { cursor: 10 };
        for outcome in [Outcome::Applied(10), Outcome::Gap(10), Outcome::Failed("down".into())] {
            assert!(matches!(push.answered(20, outcome), Next::Pause { .. }));
            assert_eq!(push.cursor, 10);
        }
    }

    /// An upstream that keeps what it applies, unless it is set back.
    #[derive(Default)]
    struct Upstream {
        held: BTreeSet<u64>,
        through: u64,
    }

    impl Upstream {
        fn receive(&mut self, after: u64, batch: &[u64]) -> Outcome {
            if after > self.through {
                return Outcome::Gap(self.through);
            }
            self.held.extend(batch);
            self.through = self.through.max(batch.last().copied().unwrap_or(0));
            Outcome::Applied(self.through)
        }

        fn set_back_to(&mut self, through: u64) {
            self.through = self.through.min(through);
            self.held.retain(|sequence| *sequence <= through);
        }
    }

    proptest! {
        /// Whatever answers are lost and however often the upstream is set back: once answers arrive
        /// again, everything is there.
        #[test]
        fn everything_arrives(
            journal in prop::collection::btree_set(1u64..500, 1..200),
            size in 1usize..20,
            faults in prop::collection::vec(0u8..10, 0..200),
        ) {
            let journal: Vec<_> = journal.into_iter().collect();
            let (mut push, mut upstream) = (Push { cursor: 0 }, Upstream::default());
            let mut faults = faults.into_iter();
            for _ in 0..2_000 {
                let batch: Vec<_> =
                    journal.iter().copied().filter(|s| *s > push.cursor).take(size).collect();
                let Some(last) = batch.last().copied() else { break };
                let outcome = match faults.next() {
                    Some(0) => Outcome::Failed("the batch was lost".into()),
                    Some(1) => {
                        upstream.receive(push.cursor, &batch);
                        Outcome::Failed("the answer was lost".into())
                    }
                    Some(2) => {
                        upstream.set_back_to(last / 2);
                        Outcome::Busy { retry_after_s: 1 }
                    }
                    _ => upstream.receive(push.cursor, &batch),
                };
                push.answered(last, outcome);
            }
            // A cursor that was acknowledged before the last set-back is corrected by the next entry.
            prop_assert_eq!(upstream.held.len(), journal.iter().filter(|s| **s <= push.cursor).count());
            prop_assert_eq!(Some(&push.cursor), journal.last());
        }
    }
}
