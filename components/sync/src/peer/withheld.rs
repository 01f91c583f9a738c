//! What nodes of an earlier release are not sent, because they would refuse it. It stays in the
//! journal, and is sent when they are upgraded.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::Protocol;

use crate::error::{Result, tolerate_full};
use crate::store::Journal;

/// Records what a node below is not sent, if that differs from what is known; what it has learnt
/// to know by an upgrade is left out.
pub async fn record_withheld(
    journal: Journal,
    node: &str,
    protocol: Protocol,
    known: &BTreeSet<String>,
    withheld: BTreeSet<String>,
) -> Result<()> {
    let kinds = still_withheld(journal.name(), protocol, known, withheld);
    if *known == kinds {
        return Ok(());
    }
    // It is for people to see, and keeps nobody from reading.
    tolerate_full(journal.set_withheld(node.to_owned(), kinds.into_iter().collect()).await)
}

/// What was withheld before, and is now, of what a node that speaks a protocol does not know.
fn still_withheld(
    journal: &str,
    protocol: Protocol,
    known: &BTreeSet<String>,
    withheld: BTreeSet<String>,
) -> BTreeSet<String> {
    let mut kinds: BTreeSet<_> = known.iter().cloned().chain(withheld).collect();
    kinds.retain(|kind| !protocol.knows(journal, kind));
    kinds
}

/// What the nodes below are not sent, by node.
pub async fn list_withheld() -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut withheld: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for journal in Journal::ALL {
        for of_node in journal.list_withheld().await? {
            withheld.entry(of_node.node).or_default().extend(of_node.kinds);
        }
    }
    Ok(withheld)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn what_a_node_has_learnt_to_know_is_withheld_no_more() {
        let still = |protocol, known: &[&str], withheld: &[&str]| {
            still_withheld("progress", protocol, &kinds(known), kinds(withheld))
        };
        assert_eq!(still(Protocol(0), &["statement"], &["later"]), kinds(&["later", "statement"]));
        assert_eq!(still(Protocol::FIRST, &["statement"], &["later"]), kinds(&["later"]));
        assert_eq!(still(Protocol::OURS, &["statement"], &[]), kinds(&[]));
    }
}
