//! What statements are looked up by (part three, 2.1.3): values of facets, each as one number.

use sha2::{Digest, Sha256};

/// A way to look a statement up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    /// The actor or object, or a member of either if it is a group: `agent`.
    Agent,
    /// Any agent or group that it speaks of: `agent` with `related_agents`.
    RelatedAgent,
    /// Who vouches for it.
    Authority,
    /// `verb`.
    Verb,
    /// The object: `activity`.
    Activity,
    /// Any activity that it speaks of: `activity` with `related_activities`.
    RelatedActivity,
    /// `registration`.
    Registration,
}

/// What values are the same thing, whatever it has to do with a statement.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Agent,
    Verb,
    Activity,
    Registration,
}

/// The number that stands for a value of a facet: the start of a SHA-256 over both, so that it is
/// the same on every node, and nobody can make two values meet at a price worth paying.
///
/// Agents are given by their identifier, as [`crate::agent_id`] writes it; registrations in lower
/// case.
pub fn term(facet: Facet, value: &str) -> i64 {
    facet.of(hash(facet.kind(), value))
}

/// What the facets of one kind make their numbers of.
pub(crate) fn hash(kind: Kind, value: &str) -> i64 {
    let name = match kind {
        Kind::Agent => "agent",
        Kind::Verb => "verb",
        Kind::Activity => "activity",
        Kind::Registration => "registration",
    };
    start(Sha256::new_with_prefix(name).chain_update([0]).chain_update(value))
}

impl Facet {
    fn kind(self) -> Kind {
        match self {
            Self::Agent | Self::RelatedAgent | Self::Authority => Kind::Agent,
            Self::Verb => Kind::Verb,
            Self::Activity | Self::RelatedActivity => Kind::Activity,
            Self::Registration => Kind::Registration,
        }
    }

    /// The number of a value whose [`hash`] this is: its last two bits tell the facets of a kind
    /// apart.
    pub(crate) fn of(self, hash: i64) -> i64 {
        let last = match self {
            Self::Agent | Self::Verb | Self::Activity | Self::Registration => 0,
            Self::RelatedAgent | Self::RelatedActivity => 1,
            Self::Authority => 2,
        };
        hash & !0b11 | last
    }
}

/// The number that stands for a text.
pub(crate) fn text_hash(text: &str) -> i64 {
    start(Sha256::new_with_prefix(text))
}

fn start(hash: Sha256) -> i64 {
    let digest: [u8; 32] = hash.finalize().into();
    let start = digest.first_chunk::<8>().copied().unwrap_or_default();
    i64::from_be_bytes(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facets_and_values_are_told_apart() {
        let terms = [
            term(Facet::Verb, "https://example.org/a"),
            term(Facet::Activity, "https://example.org/a"),
            term(Facet::Activity, "https://example.org/b"),
        ];
        assert!(terms[0] != terms[1] && terms[1] != terms[2]);
    }
}
