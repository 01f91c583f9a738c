//! Versions of the protocol, so that nodes of different releases go on together.
//!
//! A node says which version it speaks, and the newer of two sends only what the older one knows.
//! What that leaves out waits: it goes when the other side is upgraded. `docs/replication.md` says
//! how a field, a kind or a message is added.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// A version of the protocol: one more than the last one whenever nodes have something new to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protocol(pub u32);

/// A kind of entries, and the version that brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The journal whose entries these are.
    pub journal: &'static str,
    /// As entries have it.
    pub name: &'static str,
    /// Nodes of earlier versions refuse it.
    pub since: Protocol,
}

const fn kind_since(journal: &'static str, name: &'static str, since: Protocol) -> Kind {
    Kind { journal, name, since }
}

/// All kinds there are. A node that meets another one is too old for it, and says so.
pub const KINDS: [Kind; 7] = [
    kind_since("content", "course", Protocol::FIRST),
    kind_since("identity", "conflict", Protocol::FIRST),
    kind_since("identity", "person", Protocol::FIRST),
    kind_since("progress", "attachment", Protocol::FIRST),
    kind_since("progress", "conflict", Protocol::FIRST),
    kind_since("progress", "document", Protocol::FIRST),
    kind_since("progress", "statement", Protocol::FIRST),
];

impl Default for Protocol {
    /// Release 0.1.0 does not say which it speaks.
    fn default() -> Self {
        Self::FIRST
    }
}

impl Protocol {
    /// That of release 0.1.0: refuses messages with fields that it does not know.
    pub const FIRST: Self = Self(1);
    /// The one spoken here: says its version, and leaves fields of messages aside that it does not
    /// know.
    pub const OURS: Self = Self(2);

    /// Whether a node that speaks this knows a kind of a journal's entries.
    pub fn knows(self, journal: &str, name: &str) -> bool {
        let mut kinds = KINDS.iter().filter(|kind| kind.journal == journal && kind.name == name);
        kinds.any(|kind| kind.since <= self)
    }

    /// Takes out the entries of a journal that a node which speaks this does not know, and answers
    /// their kinds.
    pub fn withhold(self, journal: &str, entries: &mut Vec<Entry>) -> BTreeSet<String> {
        if self >= Self::OURS {
            return BTreeSet::new();
        }
        let withheld = entries.extract_if(.., |entry| !self.knows(journal, &entry.kind));
        withheld.map(|entry| entry.kind).collect()
    }

    /// Whether this brings a journal kinds that an earlier version lacks.
    pub fn adds_to(self, journal: &str, earlier: Self) -> bool {
        KINDS.iter().any(|k| k.journal == journal && k.since > earlier && k.since <= self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_knows_what_it_and_earlier_ones_brought() {
        assert!(Protocol::FIRST.knows("progress", "statement"));
        assert!(Protocol::OURS.knows("identity", "person"));
        assert!(!Protocol::OURS.knows("identity", "statement"));
        assert!(!Protocol::OURS.knows("progress", "from the future"));
        assert!(!Protocol(0).knows("progress", "statement"));
    }

    #[test]
    fn what_an_older_node_does_not_know_is_withheld() {
        let entry = |sequence, kind: &str| {
            let payload = serde_json::value::to_raw_value(&1).unwrap();
            Entry { sequence, kind: kind.to_owned(), payload }
        };
        let some = || vec![entry(1, "statement"), entry(2, "later"), entry(3, "document")];
        let mut entries = some();
        let withheld = Protocol::FIRST.withhold("progress", &mut entries);
        assert_eq!(withheld, BTreeSet::from(["later".to_owned()]));
        assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 3]);
        // Whoever speaks the same or more is the judge of what it knows.
        let mut entries = some();
        assert!(Protocol(99).withhold("progress", &mut entries).is_empty());
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn what_a_version_adds_lies_between() {
        assert!(Protocol::FIRST.adds_to("content", Protocol(0)));
        assert!(!Protocol::FIRST.adds_to("content", Protocol::FIRST));
        assert!(!Protocol(0).adds_to("content", Protocol::FIRST));
        assert!(!Protocol::FIRST.adds_to("no journal", Protocol(0)));
    }

    #[test]
    fn nobody_speaks_what_is_not_there_yet() {
        assert!(KINDS.iter().all(|kind| kind.since <= Protocol::OURS));
        assert_eq!(serde_json::from_str::<Protocol>("7").unwrap(), Protocol(7));
    }
}
