//! What becomes of a person of whom another node tells: which version stands, and who has a name
//! that two nodes have given away. No I/O.
//!
//! Versions of one person are merged: the last writer wins (`hedgeschool-replication`). Two people
//! of one name are told apart by their homes:
//!
//! * A node below never takes the name from somebody of elsewhere. It hears of that one again.
//! * A node above takes it for somebody who belongs to all nodes.
//! * Where the node above tells of somebody of another node, both stay where they are.
//!
//! Whoever does not stand, and is not known to who does, is kept as a conflict.

use std::collections::BTreeMap;

use hedgeschool_journal::{Merged, Versioned, merged};

use crate::entry::{ConflictEntry, PersonEntry};

/// A person who is here, removed or not.
#[derive(Clone, Debug)]
pub struct Standing {
    pub person: PersonEntry,
    /// Where this version came from: a node and the epoch of its journal. None: it was made here.
    pub peer: Option<String>,
}

/// Who tells of a person.
#[derive(Clone, Copy, Debug)]
pub enum Sender<'a> {
    /// The node above: its name and the epoch of its journal.
    Above(&'a str),
    /// A node below, which may tell of the people of these nodes.
    Below(&'a [String]),
}

/// A version that stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub stands: PersonEntry,
    /// The version that lost against it.
    pub lost: Option<PersonEntry>,
    /// It is made of two versions, and new to both who made them.
    pub is_made: bool,
}

/// Somebody who lost the name here, or does not get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loser {
    pub person: PersonEntry,
    /// The node to which the person belongs who has it, where that is another one.
    pub against: Option<String>,
}

/// What is to be done. Nothing: what is here includes what arrives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub change: Option<Change>,
    pub loser: Option<Loser>,
}

/// Decides about somebody who arrives, whom `sender` may tell of; `here` is who has the name.
pub fn decide(here: Option<&Standing>, arriving: PersonEntry, sender: Sender<'_>) -> Decision {
    let Some(here) = here else { return Decision::put(arriving, None, false) };
    match sender {
        Sender::Below(scope) if !here.person.belongs_to(scope) => {
            keep_from_below(&here.person, arriving)
        }
        Sender::Above(above) if is_own(here, &arriving, above) => keep_own(&here.person, arriving),
        // Of who belongs to all, nodes above tell, and what they tell stands as it is. One whose
        // disk was restored means what it has now.
        Sender::Above(above) if arriving.home.is_none() && here.peer.as_deref() != Some(above) => {
            replace(&here.person, arriving)
        }
        _ => merge_versions(&here.person, &arriving),
    }
}

impl Decision {
    fn put(stands: PersonEntry, lost: Option<PersonEntry>, is_made: bool) -> Self {
        Self { change: Some(Change { stands, lost, is_made }), loser: None }
    }
}

/// Whether this is a person of this node, or one below it, and not the one of whom the node above
/// tells.
fn is_own(here: &Standing, arriving: &PersonEntry, above: &str) -> bool {
    let is_from_above = here.peer.as_deref().is_some_and(|peer| node_of(peer) == node_of(above));
    here.person.home.is_some()
        && !is_from_above
        && here.person.home != arriving.home
        && !arriving.seen.includes(&here.person.seen)
}

/// The node of a peer, which is that and an epoch.
fn node_of(peer: &str) -> Option<&str> {
    peer.rsplit_once(':').map(|(node, _)| node)
}

fn merge_versions(here: &PersonEntry, arriving: &PersonEntry) -> Decision {
    match merged(here, arriving) {
        None => Decision::default(),
        Some(Merged { stands, lost, is_made }) => Decision::put(stands, lost, is_made),
    }
}

/// A node below tells of one of its own, and the name is not one of theirs.
fn keep_from_below(here: &PersonEntry, arriving: PersonEntry) -> Decision {
    if here.seen.includes(&arriving.seen) || here.removed && arriving.removed {
        return Decision::default();
    }
    // Somebody who was removed needs no name any more.
    if here.removed {
        let seen = here.seen.clone().join(&arriving.seen);
        let is_made = seen != arriving.seen;
        return Decision::put(PersonEntry { seen, ..arriving }, None, is_made);
    }
    // The name is not the sender's to take. Who has it is told of again, but not as if they knew
    // of the other one: they would displace that one at the sender's.
    Decision::put(here.clone(), Some(arriving), true)
}

/// Nodes above tell of somebody whose name one of this node's own has, and do not know of that
/// one.
fn keep_own(here: &PersonEntry, arriving: PersonEntry) -> Decision {
    match arriving.home.clone() {
        _ if arriving.removed => Decision::default(),
        None => replace(here, arriving),
        Some(_) if here.removed => Decision::put(arriving, None, false),
        Some(home) => {
            let loser = Loser { person: here.clone(), against: Some(home) };
            Decision { change: None, loser: Some(loser) }
        }
    }
}

/// Puts a person in place of one whom the node above has lost, or never had.
fn replace(here: &PersonEntry, arriving: PersonEntry) -> Decision {
    if arriving.version() == here.version() {
        return Decision::default();
    }
    let is_known = arriving.seen.includes(&here.seen) || arriving.says_the_same(here);
    let loser = (!is_known).then(|| Loser { person: here.clone(), against: None });
    Decision { loser, ..Decision::put(arriving, None, false) }
}

/// What conflicts tell of people beside those who arrive with them: somebody who lost may be all
/// that is known of the name. The last one each, as it has seen the others.
pub fn last_losers<'a>(
    conflicts: &'a [ConflictEntry],
    arriving: &[PersonEntry],
) -> Vec<&'a PersonEntry> {
    let mut last = BTreeMap::<_, &PersonEntry>::new();
    for ConflictEntry { lost, .. } in conflicts {
        let known = last.entry(lost.name.as_str()).or_insert(lost);
        if lost.stamp > known.stamp {
            *known = lost;
        }
    }
    for person in arriving {
        last.remove(person.name.as_str());
    }
    last.into_values().collect()
}

/// Whether somebody who lost elsewhere is news here: nobody has the name, or it is a later version
/// of who has it, which is theirs too.
pub fn is_news(lost: &PersonEntry, here: Option<&PersonEntry>) -> bool {
    here.is_none_or(|here| {
        here.home == lost.home && lost.seen.includes(&here.seen) && here.version() != lost.version()
    })
}
