//! What nodes of an earlier release are not sent, because they would refuse it. It stays in the
//! journal, and is sent when they are upgraded.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::Protocol;
use hedgeschool_web::Problem;

use crate::stores::{Error, Journal};

/// Notes what a node below is not sent, if that differs from what is noted; what it has learnt to
/// know by an upgrade is left out.
pub async fn remember(
    journal: Journal,
    node: &str,
    protocol: Protocol,
    noted: &BTreeSet<String>,
    withheld: BTreeSet<String>,
) -> Result<(), Problem> {
    let kinds = still_withheld(journal, protocol, noted, withheld);
    if *noted == kinds {
        return Ok(());
    }
    match journal.set_withheld(node.to_owned(), kinds.into_iter().collect()).await {
        // It is for people to see, and keeps nobody from reading.
        Err(Error::Full) => Ok(()),
        noted => Ok(noted?),
    }
}

fn still_withheld(
    journal: Journal,
    protocol: Protocol,
    noted: &BTreeSet<String>,
    withheld: BTreeSet<String>,
) -> BTreeSet<String> {
    let mut kinds: BTreeSet<_> = noted.iter().cloned().chain(withheld).collect();
    kinds.retain(|kind| !protocol.knows(journal.name(), kind));
    kinds
}

/// What the nodes below are not sent, by node.
pub async fn below() -> Result<BTreeMap<String, BTreeSet<String>>, Problem> {
    let mut withheld: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for journal in Journal::ALL {
        for of_node in journal.withheld().await? {
            withheld.entry(of_node.node).or_default().extend(of_node.kinds);
        }
    }
    Ok(withheld)
}
