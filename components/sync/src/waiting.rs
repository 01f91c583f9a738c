//! What waits here for the node above, and how far a journal was looked through in vain.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use hedgeschool_replication::Position;
use hedgeschool_web::Problem;
use serde::{Deserialize, Serialize};

use crate::above::Standing;
use crate::link::Link;
use crate::node;
use crate::stores::{Audience, Journal, origin};
use crate::upstream::Upstream;

/// The note about a journal's stretch that has nothing for the upstream. It lies beside the
/// journal, so that whoever restores one restores the other.
pub const NOTE: &str = "looked";

/// Changes that the upstream has not applied.
#[derive(Default)]
pub struct Queue {
    /// How many, at most.
    pub entries: u64,
    /// How old the oldest of them is, in seconds.
    pub age_s: u64,
}

/// A stretch of a journal in which nothing is for the upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The journal's epoch.
    pub epoch: String,
    /// For whom it was looked through.
    pub audience: u64,
    /// It begins after this sequence.
    pub after: u64,
    /// It ends with this one.
    pub through: u64,
}

/// The upstream as an audience, whose own journal has this epoch.
pub fn above(me: &str, peer: &str, epoch: &str, below: &BTreeSet<String>) -> Audience {
    let serves = below.iter().map(String::as_str).chain([me]).map(str::to_owned).collect();
    Audience { node: peer.to_owned(), origin: origin(peer, epoch), above: true, serves }
}

/// What of an audience decides which entries are for it.
pub fn fingerprint(audience: &Audience) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&audience.origin, &audience.serves).hash(&mut hasher);
    hasher.finish()
}

/// From where on there may be something for the upstream, which has everything through a sequence
/// of a journal that ends at `head`. `noted` is what [`NOTE`] says.
pub fn from(
    noted: Option<&String>,
    head: u64,
    epoch: &str,
    audience: &Audience,
    through: u64,
) -> u64 {
    let looked: Option<Looked> = noted.and_then(|text| serde_json::from_str(text).ok());
    let is_about = |looked: &Looked| {
        looked.epoch == epoch
            && looked.audience == fingerprint(audience)
            && looked.after <= through
            && looked.through <= head
    };
    looked.filter(is_about).map_or(through, |looked| looked.through.max(through))
}

/// Notes a stretch.
pub async fn note(journal: Journal, looked: &Looked) -> Result<(), Problem> {
    let text = serde_json::to_string(looked).map_err(Problem::internal)?;
    Ok(journal.set_note(NOTE.to_owned(), text).await?)
}

/// What the upstream has not applied, by what is remembered of it.
pub async fn queue(upstream: &Upstream, link: &Link) -> Result<Queue, Problem> {
    let below = node::serves().await?;
    let (mut entries, mut oldest) = (0, None);
    for journal in Journal::ALL {
        let standing = Standing::read(journal, upstream, None).await?;
        let epoch = &standing.cursor.epoch;
        let position = link.position(journal, epoch);
        let through = position.through.sequence;
        if position.fresh.is_none() && through >= standing.head {
            continue;
        }
        let theirs = standing.epoch_above().unwrap_or_default();
        let audience = above(&upstream.me, &link.node, theirs, &below);
        let after = from(standing.looked.as_ref(), standing.head, epoch, &audience, through);
        for (after, until) in missing(&position, after) {
            let waiting = journal.waiting(audience.clone(), after, until).await?;
            entries += waiting.entries;
            oldest = [oldest, waiting.oldest_us].into_iter().flatten().min();
        }
    }
    let age_us = oldest.map_or(0, |oldest| node::now().saturating_sub(oldest));
    Ok(Queue { entries, age_s: u64::try_from(age_us / 1_000_000).unwrap_or(0) })
}

/// The stretches that a position leaves out from a sequence on: after which, and through which.
fn missing(position: &Position, after: u64) -> Vec<(u64, Option<u64>)> {
    match &position.fresh {
        None => vec![(after, None)],
        Some(fresh) => vec![(after, Some(fresh.after)), (fresh.through.sequence.max(after), None)],
    }
}
