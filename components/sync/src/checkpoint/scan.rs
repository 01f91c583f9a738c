//! Which part of a journal was scanned without finding anything for the node above, so that no
//! round scans it again.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::store::{Audience, ScanWatermark, origin_of};

/// The upstream `peer` as an audience, whose own journal has this epoch.
pub fn upstream_audience(me: &str, peer: &str, epoch: &str, below: &BTreeSet<String>) -> Audience {
    let serves = below.iter().map(String::as_str).chain([me]).map(str::to_owned).collect();
    Audience { node: peer.to_owned(), origin: origin_of(peer, epoch), above: true, serves }
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

/// After which sequence there may be something for the upstream, which has everything through a
/// sequence of a journal that ends at `head`.
pub fn scan_start(
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
        assert_eq!(scan_start(Some(&known), 60, "e", &us, 10), 50);
        assert_eq!(scan_start(Some(&known), 60, "e", &us, 55), 55);
        assert_eq!(scan_start(Some(&known), 60, "e", &us, 9), 9);
        assert_eq!(scan_start(Some(&known), 40, "e", &us, 10), 10);
        assert_eq!(scan_start(Some(&known), 60, "f", &us, 10), 10);
        assert_eq!(scan_start(Some(&known), 60, "e", &audience("hub:e", &[]), 10), 10);
        assert_eq!(scan_start(None, 60, "e", &us, 10), 10);
    }
}
