use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hlc::Stamp;

/// A version vector: the last change of each writer that a version includes, by its stamp. A
/// writer is one copy of a store, named by its epoch. Stamps and not counts, so that a copy that
/// was restored from a backup, and does not know yet that it needs another epoch, does not use a
/// number twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionVector(pub BTreeMap<String, Stamp>);

/// Which version of something this is. What it says is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// When it was made.
    pub stamp: Stamp,
    /// Who made it.
    pub writer: String,
    /// What was known to who made it, itself included.
    pub seen: VersionVector,
}

/// Which of two versions stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Winner {
    /// The one that is here.
    Here,
    /// The one that arrives.
    Arriving,
}

/// What becomes of two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Which one stands.
    pub winner: Winner,
    /// Neither was made with knowledge of the other: the one that does not stand is to be kept for
    /// people to see.
    pub is_conflict: bool,
    /// The stamp, writer and knowledge of what stands. It knows of both.
    pub version: Version,
}

impl VersionVector {
    /// Whether everything the other includes is included here.
    pub fn includes(&self, other: &Self) -> bool {
        other.0.iter().all(|(writer, count)| self.0.get(writer).is_some_and(|known| known >= count))
    }

    /// Everything either includes.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        for (writer, count) in &other.0 {
            let known = self.0.entry(writer.clone()).or_insert(*count);
            *known = (*count).max(*known);
        }
        self
    }
}

/// Merges two versions of the same thing: the last writer wins. The result is the same in whatever
/// order, and however often, versions meet.
pub fn merge(here: &Version, arriving: &Version) -> Merge {
    let order = (here.stamp, &here.writer).cmp(&(arriving.stamp, &arriving.writer));
    let (knows_arriving, knows_here) =
        (here.seen.includes(&arriving.seen), arriving.seen.includes(&here.seen));
    let winner = match (knows_arriving, knows_here) {
        (true, false) => Winner::Here,
        (false, true) => Winner::Arriving,
        _ if order.is_lt() => Winner::Arriving,
        _ => Winner::Here,
    };
    let current = if winner == Winner::Here { here } else { arriving };
    Merge {
        winner,
        is_conflict: !knows_arriving && !knows_here && order.is_ne(),
        version: Version { seen: here.seen.clone().join(&arriving.seen), ..current.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A node that has a thing, changes it, and meets other nodes' versions.
    #[derive(Clone)]
    struct Node {
        writer: String,
        version: Option<Version>,
        /// Versions that this node has seen lose in a conflict.
        lost: Vec<(Stamp, String)>,
    }

    impl Node {
        fn change(&mut self, clock: Stamp) -> (Stamp, String) {
            let mut seen = self.version.as_ref().map(|v| v.seen.clone()).unwrap_or_default();
            let stamp = crate::hlc::next_stamp(clock, self.version.as_ref().map(|v| v.stamp));
            seen.0.insert(self.writer.clone(), stamp);
            self.version = Some(Version { stamp, writer: self.writer.clone(), seen });
            (stamp, self.writer.clone())
        }

        fn receive(&mut self, arriving: &Version) {
            let Some(here) = &self.version else {
                self.version = Some(arriving.clone());
                return;
            };
            let merge = merge(here, arriving);
            if merge.is_conflict {
                let loser = if merge.winner == Winner::Here { arriving } else { here };
                self.lost.push((loser.stamp, loser.writer.clone()));
            }
            self.version = Some(merge.version);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        /// Whatever clocks say and in whatever order versions meet: once all have met, all nodes
        /// have the same one, and every change that nobody built on was lost in plain sight.
        #[test]
        fn nodes_converge_and_every_loser_is_known(
            steps in prop::collection::vec((0usize..4, 0usize..4, -1_000i64..1_000), 1..80),
        ) {
            let node = |n| Node { writer: format!("w{n}"), version: None, lost: Vec::new() };
            let mut nodes: Vec<_> = (0..4).map(node).collect();
            // Each change, and the one it was made upon.
            let mut changes = Vec::new();
            for (one, other, clock) in steps {
                if one == other {
                    let before = nodes[one].version.clone().map(|v| (v.stamp, v.writer));
                    let made = nodes[one].change(clock);
                    changes.push((made, before));
                } else if let Some(version) = nodes[other].version.clone() {
                    nodes[one].receive(&version);
                }
            }
            for _ in 0..3 {
                for (one, other) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
                    if let Some(version) = nodes[other].version.clone() {
                        nodes[one].receive(&version);
                    }
                }
            }
            for node in &nodes {
                prop_assert_eq!(&node.version, &nodes[0].version);
            }
            if let Some(last) = &nodes[0].version {
                for (made, _) in &changes {
                    let stands = *made == (last.stamp, last.writer.clone());
                    let built_upon = changes.iter().any(|(_, before)| before.as_ref() == Some(made));
                    let was_lost = nodes.iter().any(|node| node.lost.contains(made));
                    prop_assert!(stands || built_upon || was_lost, "{made:?} vanished");
                }
            }
        }

        #[test]
        fn merging_again_changes_nothing(a in version(), b in version()) {
            let once = merge(&a, &b).version;
            for again in [merge(&once, &a), merge(&once, &b), merge(&once, &once)] {
                prop_assert_eq!(&again.version, &once);
                prop_assert!(!again.is_conflict);
            }
            prop_assert_eq!(merge(&b, &a).version, once);
        }
    }

    /// Any version that a writer can have made: equal stamp and writer mean the same version.
    fn version() -> impl Strategy<Value = Version> {
        (0i64..1_000_000, 0u8..3, prop::collection::vec(0i64..3, 3)).prop_map(
            |(stamp, writer, counts)| {
                let writer = format!("w{writer}");
                let seen = counts.iter().enumerate().map(|(n, count)| (format!("w{n}"), *count));
                Version {
                    stamp,
                    writer,
                    seen: VersionVector(seen.filter(|(_, count)| *count > 0).collect()),
                }
            },
        )
    }
}
