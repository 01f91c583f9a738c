//! What nodes of an earlier release are not sent, because they would refuse it. It stays in the
//! journal, and is sent when they are upgraded.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::Protocol;
use hedgeschool_web::Problem;

use crate::stores::{Error, Journal};

/// How the names of the notes begin that say what a node below is not sent of a journal.
const NOTE: &str = "withheld:";

/// The name of the note about a node below: the kinds, as a JSON array.
pub fn note(node: &str) -> String {
    format!("{NOTE}{node}")
}

/// Notes what a node below is not sent, if that differs from what is noted; what it has learnt to
/// know by an upgrade is left out.
pub async fn remember(
    journal: Journal,
    node: &str,
    protocol: Protocol,
    noted: Option<&String>,
    withheld: BTreeSet<String>,
) -> Result<(), Problem> {
    let kinds = still_withheld(journal, protocol, noted, withheld);
    let text = match kinds.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&kinds).map_err(Problem::internal)?,
    };
    if noted.map_or("", String::as_str) == text {
        return Ok(());
    }
    match journal.set_note(note(node), text).await {
        // It is for people to see, and keeps nobody from reading.
        Err(Error::Full) => Ok(()),
        noted => Ok(noted?),
    }
}

fn still_withheld(
    journal: Journal,
    protocol: Protocol,
    noted: Option<&String>,
    withheld: BTreeSet<String>,
) -> BTreeSet<String> {
    let noted = noted.and_then(|text| serde_json::from_str::<BTreeSet<String>>(text).ok());
    let mut kinds: BTreeSet<_> = noted.unwrap_or_default().into_iter().chain(withheld).collect();
    kinds.retain(|kind| !protocol.knows(journal.name(), kind));
    kinds
}

/// What the nodes below are not sent, by node.
pub async fn below() -> Result<BTreeMap<String, BTreeSet<String>>, Problem> {
    let mut withheld: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for journal in Journal::ALL {
        for (name, text) in journal.notes(NOTE.to_owned()).await? {
            let node = name.strip_prefix(NOTE).unwrap_or_default().to_owned();
            let kinds: BTreeSet<String> = serde_json::from_str(&text).unwrap_or_default();
            withheld.entry(node).or_default().extend(kinds);
        }
    }
    Ok(withheld)
}
