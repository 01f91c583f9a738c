//! Getting from the node above what concerns this one.

use std::collections::BTreeMap;
use std::time::Duration;

use hedgeschool_replication::timing::REQUEST_TIMEOUT;
use hedgeschool_replication::wire::{
    Bookmark, Entry, Feed, FeedPage, Health, PULL_PATH, Pull, Pulled,
};
use hedgeschool_replication::{Position, Stamp, hlc};

use crate::checkpoint::upstream_state::UpstreamPeer;
use crate::checkpoint::{Snapshot, UpstreamCursor, UpstreamState, record_checkpoint};
use crate::client::upstream::Upstream;
use crate::error::{Result, SyncError};
use crate::peer::now_us;
use crate::store::{Journal, StoreBatch, origin_of};

/// What an exchange brought.
pub struct Exchange {
    /// The upstream, as it tells of itself.
    pub peer: UpstreamPeer,
    /// How far its clock is ahead of this one's, in microseconds.
    pub skew: Stamp,
    /// What it has applied of each journal here.
    pub applied: Vec<AppliedJournal>,
    /// What came of its own.
    pub pulled: PullOutcome,
    /// Records of subjects are still to come.
    pub is_wanting: bool,
}

/// What an upstream has applied of a journal.
pub struct AppliedJournal {
    /// Which one.
    pub journal: Journal,
    /// Where this node was when it asked.
    pub cursor: UpstreamCursor,
    /// How far the upstream has applied the journal here.
    pub position: Position,
    /// The epoch of the upstream's own.
    pub theirs: String,
}

/// What came of the upstream's journals.
#[derive(Clone, Copy, Debug, Default)]
pub struct PullOutcome {
    /// How many entries.
    pub entries: u64,
    /// There are more.
    pub more: bool,
    /// There is no room here for some of them: they stay where they are.
    pub is_full: bool,
}

impl Exchange {
    /// Whether the upstream has lost what it said it had.
    pub fn has_lost(&self, state: &UpstreamState) -> bool {
        self.applied
            .iter()
            .any(|now| state.is_lost(now.journal, &now.cursor.cursor.epoch, &now.position))
    }
}

/// Asks the upstream for news, waiting for them if there are none, and applies them. The snapshot
/// is from before: another round may know more by the time of the answer.
pub async fn exchange_news(
    upstream: &Upstream,
    snapshot: &Snapshot,
    health: Health,
    wait: Duration,
) -> Result<Exchange> {
    let asked = now_us();
    let pull = Pull {
        node: upstream.me.clone(),
        serves: snapshot.below.clone(),
        now: asked,
        health,
        journals: shown_cursors(snapshot),
        wait_ms: wait.as_millis().try_into().unwrap_or(u64::MAX),
    };
    let answer: Pulled = upstream.ask_json(PULL_PATH, &pull, REQUEST_TIMEOUT + wait).await?;
    let skew = estimate_skew(asked, answer.now, now_us(), wait);
    let mut exchange = Exchange {
        peer: UpstreamPeer {
            name: answer.node,
            protocol: answer.protocol,
            version: answer.version,
        },
        skew,
        applied: Vec::new(),
        pulled: PullOutcome::default(),
        is_wanting: false,
    };
    let mut feeds = answer.journals;
    for (journal, cursor) in &snapshot.cursors {
        if let Some(feed) = feeds.remove(journal.name()) {
            exchange.take_feed(*journal, upstream, cursor, feed).await?;
        }
    }
    Ok(exchange)
}

/// What the upstream is shown of each journal.
fn shown_cursors(snapshot: &Snapshot) -> BTreeMap<String, hedgeschool_replication::wire::Cursor> {
    let shown = snapshot.cursors.iter().map(|(journal, at)| {
        let mut cursor = at.cursor.clone();
        cursor.held = snapshot.upstream.known_checkpoint(*journal, &cursor.epoch);
        (journal.name().to_owned(), cursor)
    });
    shown.collect()
}

/// How far the upstream's clock, which said `theirs`, is ahead. An answer that may have waited was
/// made when it was sent.
fn estimate_skew(asked: Stamp, theirs: Stamp, answered: Stamp, wait: Duration) -> Stamp {
    if wait.is_zero() {
        hlc::clock_skew(asked, theirs, answered)
    } else {
        theirs.saturating_sub(answered)
    }
}

impl Exchange {
    async fn take_feed(
        &mut self,
        journal: Journal,
        upstream: &Upstream,
        cursor: &UpstreamCursor,
        feed: Feed,
    ) -> Result<()> {
        self.pulled.entries += feed.page.entries.len() as u64;
        self.pulled.more |= feed.page.more;
        self.applied.push(AppliedJournal {
            journal,
            cursor: cursor.clone(),
            position: feed.applied.clone(),
            theirs: feed.page.bookmark.epoch.clone(),
        });
        let applied = apply_feed(journal, upstream, &self.peer.name, cursor, feed).await?;
        self.pulled.is_full |= applied.is_full;
        self.is_wanting |= applied.follows_again || cursor.is_wanting;
        Ok(())
    }
}

/// What became of a feed.
#[derive(Default)]
struct AppliedFeed {
    /// There is no room for it.
    is_full: bool,
    /// The records of all subjects are wanted again.
    follows_again: bool,
}

/// Applies what a journal of the upstream has for this node.
async fn apply_feed(
    journal: Journal,
    upstream: &Upstream,
    peer: &str,
    cursor: &UpstreamCursor,
    feed: Feed,
) -> Result<AppliedFeed> {
    let FeedPage { bookmark, entries, .. } = feed.page;
    let known = cursor.cursor.feed.as_ref();
    let effect = bookmark.page_effect(known, entries.is_empty());
    let follows_again = feed.forgot || effect.is_some_and(|effect| effect.follows_again);
    if follows_again {
        // Everything about all subjects.
        journal.want_all_records().await?;
    }
    let mut applied = AppliedFeed { follows_again, is_full: false };
    let Some(effect) = effect else { return Ok(applied) };
    if let Some(left) = known.filter(|_| effect.follows_again) {
        match record_checkpoint(journal, &upstream.url, left).await {
            Err(SyncError::Full) => return Ok(AppliedFeed { is_full: true, ..applied }),
            recorded => recorded?,
        }
    }
    match apply_page(journal, upstream, peer, cursor, &bookmark, entries).await {
        // Another round has been faster, or all is to be read again, which this page does not know.
        Err(SyncError::Moved) => {}
        Err(SyncError::Full) => applied.is_full = true,
        Err(error) => return Err(error),
        Ok(()) => cursor.forget_superseded(journal, &upstream.url, &bookmark).await?,
    }
    Ok(applied)
}

async fn apply_page(
    journal: Journal,
    upstream: &Upstream,
    peer: &str,
    cursor: &UpstreamCursor,
    bookmark: &Bookmark,
    entries: Vec<Entry>,
) -> Result<()> {
    let batch = StoreBatch {
        peer: origin_of(peer, &bookmark.epoch),
        scope: None,
        advance: cursor.advance_to(&upstream.url, Some(bookmark.clone())),
        entries,
    };
    journal.apply_batch(batch).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_waited_was_made_when_it_came() {
        let wait = Duration::from_secs(5);
        assert_eq!(estimate_skew(1_000, 6_500, 2_000, Duration::ZERO), 5_000);
        assert_eq!(estimate_skew(1_000, 6_500, 2_000, wait), 4_500);
    }
}
