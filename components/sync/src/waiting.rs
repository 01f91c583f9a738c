//! What waits here for the node above, and how far a journal was looked through in vain.

use std::collections::BTreeSet;

use hedgeschool_replication::Position;
use hedgeschool_web::Problem;
use sha2::{Digest, Sha256};

use crate::above::Standing;
use crate::link::Link;
use crate::node;
use crate::stores::{Audience, Journal, ScanWatermark, origin};
use crate::upstream::Upstream;

/// Changes that the upstream has not applied.
#[derive(Default)]
pub struct Queue {
    /// How many, at most.
    pub entries: u64,
    /// How old the oldest of them is, in seconds.
    pub age_s: u64,
}

/// The upstream as an audience, whose own journal has this epoch.
pub fn above(me: &str, peer: &str, epoch: &str, below: &BTreeSet<String>) -> Audience {
    let serves = below.iter().map(String::as_str).chain([me]).map(str::to_owned).collect();
    Audience { node: peer.to_owned(), origin: origin(peer, epoch), above: true, serves }
}

/// What of an audience decides which entries are for it, as a text that any build comes to.
pub fn fingerprint(audience: &Audience) -> String {
    let mut digest = Sha256::new();
    for name in [&audience.origin].into_iter().chain(&audience.serves) {
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name);
    }
    format!("{:x}", digest.finalize())
}

/// From where on there may be something for the upstream, which has everything through a sequence
/// of a journal that ends at `head`.
pub fn from(
    watermark: Option<&ScanWatermark>,
    head: u64,
    epoch: &str,
    audience: &Audience,
    through: u64,
) -> u64 {
    let is_about = |watermark: &&ScanWatermark| {
        watermark.epoch == epoch
            && watermark.after <= through
            && watermark.through <= head
            && watermark.audience == fingerprint(audience)
    };
    watermark.filter(is_about).map_or(through, |watermark| watermark.through.max(through))
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
        let after = from(standing.watermark.as_ref(), standing.head, epoch, &audience, through);
        for (after, until) in missing(&position, after) {
            let waiting = journal.waiting(audience.clone(), after, until).await?;
            entries += waiting.entries;
            oldest = [oldest, waiting.oldest].into_iter().flatten().min();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn audience(origin: &str, serves: &[&str]) -> Audience {
        let serves = serves.iter().map(|&name| name.to_owned()).collect();
        Audience { node: "hub".to_owned(), origin: origin.to_owned(), above: true, serves }
    }

    fn watermark(audience: &Audience) -> ScanWatermark {
        let audience = fingerprint(audience);
        ScanWatermark { epoch: "e".to_owned(), audience, after: 10, through: 50 }
    }

    #[test]
    fn an_audience_has_one_fingerprint_in_every_build() {
        let found = fingerprint(&audience("hub:e", &["edge"]));
        assert_eq!(found, "d6c93b13c8bacb623a0e9cb45da74bc5bb8f89c8a62cdd9b7c8e79d059e43abb");
        assert_ne!(found, fingerprint(&audience("hub:e", &["edg", "e"])));
        assert_ne!(found, fingerprint(&audience("hub:f", &["edge"])));
    }

    #[test]
    fn a_watermark_counts_for_its_audience_and_journal_alone() {
        let us = audience("hub:e", &["edge"]);
        let known = watermark(&us);
        assert_eq!(from(Some(&known), 60, "e", &us, 10), 50);
        assert_eq!(from(Some(&known), 60, "e", &us, 55), 55);
        assert_eq!(from(Some(&known), 60, "e", &us, 9), 9);
        assert_eq!(from(Some(&known), 40, "e", &us, 10), 10);
        assert_eq!(from(Some(&known), 60, "f", &us, 10), 10);
        assert_eq!(from(Some(&known), 60, "e", &audience("hub:e", &[]), 10), 10);
        assert_eq!(from(None, 60, "e", &us, 10), 10);
    }
}
