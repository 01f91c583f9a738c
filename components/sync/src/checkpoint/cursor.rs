//! How far this node has read the journals of the node above, and what that is told of the ones
//! here.

use hedgeschool_replication::tokens::IssuedTokens;
use hedgeschool_replication::wire::{Bookmark, Cursor, HEARD_MAX};

use crate::error::{Result, SyncError, tolerate_full};
use crate::store::{
    Advance, CursorAdvance, Journal, ScanWatermark, StoreBatch, StoredUpstreamState, issued_tokens,
};

/// Where this node is with a journal and the one above.
#[derive(Clone)]
pub struct UpstreamCursor {
    /// What the upstream is told of it; without what it is known to have, see
    /// [`crate::checkpoint::UpstreamState::known_checkpoint`].
    pub cursor: Cursor,
    /// The last sequence of the journal here.
    pub head: u64,
    /// The tokens of what the upstream was sent of it.
    pub issued: IssuedTokens,
    /// Records of subjects are still to come.
    pub is_wanting: bool,
    /// The stretch that was scanned in vain.
    pub watermark: Option<ScanWatermark>,
    /// The tokens that came beside the feed.
    received: Vec<Bookmark>,
}

impl UpstreamCursor {
    /// Reads it, for the upstream at an address.
    pub async fn read(journal: Journal, upstream: &str) -> Result<Self> {
        Ok(journal.read_upstream_state(upstream.to_owned()).await?.into())
    }

    /// The epoch of the upstream's journal that is read. None: nothing of it has been.
    pub fn upstream_epoch(&self) -> Option<&str> {
        self.cursor.feed.as_ref().map(|feed| feed.epoch.as_str())
    }

    /// Moves the cursor from here (compare-and-set).
    pub fn advance_to(&self, upstream: &str, after: Option<Bookmark>) -> Advance {
        Advance::Cursor(CursorAdvance {
            upstream: upstream.to_owned(),
            epoch: self.cursor.epoch.clone(),
            before: self.cursor.feed.clone().map(Into::into),
            after: after.map(Into::into),
        })
    }

    /// An answer led to a bookmark, which is kept: tokens that were shown for it, and that it
    /// supersedes, need not be shown again.
    pub async fn forget_superseded(
        &self,
        journal: Journal,
        upstream: &str,
        bookmark: &Bookmark,
    ) -> Result<()> {
        let superseded = self.received.iter().filter(|shown| bookmark.supersedes(shown));
        let superseded: Vec<_> = superseded.map(|shown| shown.token.clone()).collect();
        if superseded.is_empty() {
            return Ok(());
        }
        // If there is no room to forget them, they are shown again.
        tolerate_full(journal.forget_tokens(upstream.to_owned(), superseded).await)
    }
}

impl From<StoredUpstreamState> for UpstreamCursor {
    fn from(state: StoredUpstreamState) -> Self {
        let received: Vec<Bookmark> = state.received.into_iter().map(Into::into).collect();
        let earlier = state.earlier.into_iter().map(Into::into);
        let cursor = Cursor {
            feed: state.cursor.map(Into::into),
            heard: choose_shown(earlier.chain(received.iter().cloned()).collect()),
            held: None,
            follows: state.followed.saturating_sub(state.wanted),
            epoch: state.epoch,
        };
        Self {
            cursor,
            head: state.head,
            issued: issued_tokens(state.issued),
            is_wanting: state.wanted > 0,
            watermark: state.watermark,
            received,
        }
    }
}

/// The tokens that are shown, of all that were received: those that lead furthest.
fn choose_shown(mut tokens: Vec<Bookmark>) -> Vec<Bookmark> {
    tokens.sort_by_key(|token| std::cmp::Reverse(token.through));
    tokens.truncate(HEARD_MAX);
    tokens
}

/// Records a checkpoint of the upstream's journal that came beside the feed.
pub async fn record_checkpoint(
    journal: Journal,
    upstream: &str,
    bookmark: &Bookmark,
) -> Result<()> {
    journal.receive_token(upstream.to_owned(), bookmark.clone()).await
}

/// Has an upstream's journals read from their beginnings again: it has lost some of them, and has
/// others there.
pub async fn restart_all_feeds(upstream: &str) -> Result<()> {
    for journal in Journal::ALL {
        while let Err(error) = restart_feed(journal, upstream).await {
            // Another round reads on meanwhile.
            if !matches!(error, SyncError::Moved) {
                return Err(error);
            }
        }
    }
    Ok(())
}

async fn restart_feed(journal: Journal, upstream: &str) -> Result<()> {
    let cursor = UpstreamCursor::read(journal, upstream).await?;
    let Some(feed) = &cursor.cursor.feed else { return Ok(()) };
    record_checkpoint(journal, upstream, feed).await?;
    let restart = StoreBatch {
        peer: String::new(),
        scope: None,
        advance: cursor.advance_to(upstream, None),
        entries: Vec::new(),
    };
    journal.apply_batch(restart).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_that_lead_furthest_are_shown() {
        let token = |through| Bookmark { epoch: "e".to_owned(), through, token: String::new() };
        let shown = choose_shown((1..=60).map(token).collect());
        assert_eq!(shown.len(), HEARD_MAX);
        assert_eq!(shown.iter().map(|token| token.through).min(), Some(11));
    }
}
