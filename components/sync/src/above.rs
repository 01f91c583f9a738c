//! How far this node has heard of the journals of the node above, by what is remembered here.

use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::wire::{Bookmark, Cursor, HEARD_MAX};
use hedgeschool_web::Problem;

use crate::link::Link;
use crate::stores::{
    Advance, Batch, CursorAdvance, Error, Journal, ScanWatermark, UpstreamState, told,
};
use crate::upstream::Upstream;

/// Where this node is with a journal and the one above.
pub struct Standing {
    /// What the upstream is told of it.
    pub cursor: Cursor,
    /// The last sequence of the journal here.
    pub head: u64,
    /// What the upstream was sent of it.
    pub told: Told,
    /// Records of subjects are still to come.
    pub is_wanting: bool,
    /// The stretch that was looked through in vain.
    pub watermark: Option<ScanWatermark>,
    /// What was heard beside the feed.
    received: Vec<Bookmark>,
}

impl Standing {
    /// Reads it.
    pub async fn read(
        journal: Journal,
        upstream: &Upstream,
        link: Option<&Link>,
    ) -> Result<Self, Error> {
        let state = journal.read_upstream_state(upstream.url.clone()).await?;
        let held = link.and_then(|link| link.held(journal, &state.epoch));
        let UpstreamState { epoch, head, followed, issued, cursor, .. } = state;
        let received: Vec<Bookmark> = state.received.into_iter().map(Into::into).collect();
        let mut heard: Vec<Bookmark> = state.earlier.into_iter().map(Into::into).collect();
        heard.extend(received.iter().cloned());
        heard.sort_by_key(|heard| std::cmp::Reverse(heard.through));
        heard.truncate(HEARD_MAX);
        let cursor = Cursor {
            feed: cursor.map(Into::into),
            heard,
            held,
            follows: followed.saturating_sub(state.wanted),
            epoch,
        };
        let (told, is_wanting) = (told(issued), state.wanted > 0);
        Ok(Self { cursor, head, told, is_wanting, watermark: state.watermark, received })
    }

    /// The epoch of the upstream's journal that is read. None: nothing of it has been.
    pub fn epoch_above(&self) -> Option<&str> {
        self.cursor.feed.as_ref().map(|feed| feed.epoch.as_str())
    }

    /// Moves the cursor from here.
    pub fn advance_to(&self, upstream: &Upstream, after: Option<Bookmark>) -> Advance {
        Advance::Cursor(CursorAdvance {
            upstream: upstream.url.clone(),
            epoch: self.cursor.epoch.clone(),
            before: self.cursor.feed.clone().map(Into::into),
            after: after.map(Into::into),
        })
    }

    /// An answer led to a bookmark, which is kept: what was shown for it, and is covered by it,
    /// need not be shown again.
    pub async fn cover(
        &self,
        journal: Journal,
        upstream: &Upstream,
        bookmark: &Bookmark,
    ) -> Result<(), Error> {
        let covered = self.received.iter().filter(|shown| bookmark.covers(shown));
        let covered: Vec<_> = covered.map(|shown| shown.receipt.clone()).collect();
        if covered.is_empty() {
            return Ok(());
        }
        match journal.forget_tokens(upstream.url.clone(), covered).await {
            // Then they are shown again.
            Err(Error::Full) => Ok(()),
            forgotten => forgotten,
        }
    }
}

/// Takes note of what was heard of the upstream's journal, beside the feed.
pub async fn hear(journal: Journal, upstream: &Upstream, bookmark: &Bookmark) -> Result<(), Error> {
    journal.receive_token(upstream.url.clone(), bookmark.clone()).await
}

/// Forgets how far an upstream's journals have been read: it has lost some of them, and has others
/// there.
pub async fn forget(upstream: &Upstream) -> Result<(), Problem> {
    for journal in Journal::ALL {
        while let Err(error) = forget_feed(journal, upstream).await {
            // Another round reads on meanwhile.
            if !matches!(error, Error::Moved) {
                return Err(error.into());
            }
        }
    }
    Ok(())
}

async fn forget_feed(journal: Journal, upstream: &Upstream) -> Result<(), Error> {
    let standing = Standing::read(journal, upstream, None).await?;
    let Some(feed) = &standing.cursor.feed else { return Ok(()) };
    hear(journal, upstream, feed).await?;
    let forgetting = Batch {
        peer: String::new(),
        scope: None,
        advance: standing.advance_to(upstream, None),
        entries: Vec::new(),
    };
    journal.apply(forgetting).await
}
