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

/// The number that stands for a value of a facet: the start of a SHA-256 over both, so that it is the
/// same on every node, and nobody can make two values meet at a price worth paying.
///
/// Agents are given by their identifier, as [`crate::agent_id`] writes it; registrations in lower case.
pub fn term(facet: Facet, value: &str) -> i64 {
    let name = match facet {
        Facet::Agent => "agent",
        Facet::RelatedAgent => "related-agent",
        Facet::Authority => "authority",
        Facet::Verb => "verb",
        Facet::Activity => "activity",
        Facet::RelatedActivity => "related-activity",
        Facet::Registration => "registration",
    };
    start(Sha256::new_with_prefix(name).chain_update([0]).chain_update(value))
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
