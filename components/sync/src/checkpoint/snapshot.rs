//! What a round begins with, read once for all of its parts.

use std::collections::BTreeSet;

use futures::future::try_join_all;

use crate::checkpoint::cursor::UpstreamCursor;
use crate::checkpoint::upstream_state::UpstreamState;
use crate::error::Result;
use crate::peer::nodes_below;
use crate::store::Journal;

/// Where this node is with the one above, at one moment.
pub struct Snapshot {
    /// What is remembered of the upstream.
    pub upstream: UpstreamState,
    /// The nodes below this one, at any depth.
    pub below: BTreeSet<String>,
    /// Where each journal is.
    pub cursors: Vec<(Journal, UpstreamCursor)>,
}

impl Snapshot {
    /// Reads it, for the upstream at an address.
    pub async fn read(upstream: &str) -> Result<Self> {
        Self::read_with(UpstreamState::load(upstream).await?, nodes_below().await?).await
    }

    /// Reads the journals anew, beside what is known.
    pub async fn read_with(upstream: UpstreamState, below: BTreeSet<String>) -> Result<Self> {
        let cursors = try_join_all(Journal::ALL.map(async |journal| {
            Ok::<_, crate::error::SyncError>((
                journal,
                UpstreamCursor::read(journal, &upstream.url).await?,
            ))
        }));
        let cursors = cursors.await?;
        Ok(Self { upstream, below, cursors })
    }

    /// Where a journal is.
    pub fn cursor_of(&self, journal: Journal) -> Option<&UpstreamCursor> {
        let mut cursors = self.cursors.iter();
        cursors.find(|(of, _)| *of == journal).map(|(_, cursor)| cursor)
    }
}
