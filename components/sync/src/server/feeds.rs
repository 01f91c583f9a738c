//! What there is for a node below, of each journal here.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use hedgeschool_replication::Protocol;
use hedgeschool_replication::tokens::missing_sequence;
use hedgeschool_replication::wire::{BATCH_BYTES, Bookmark, Cursor, Feed, FeedPage, Pull, Pulled};

use crate::error::{Result, SyncError};
use crate::peer::{node_id, now_us, record_withheld};
use crate::store::{Audience, Journal, JournalPage, PeerState, origin_of};

/// The answer to a pull as of now, and whether it is worth one.
pub async fn read_answer(pull: &Pull) -> Result<(Pulled, bool)> {
    let (journals, is_news) = read_feeds(pull).await?;
    let pulled = Pulled {
        node: node_id().await?,
        now: now_us(),
        protocol: Protocol::OURS,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        journals,
    };
    Ok((pulled, is_news))
}

/// What there is for a node, and whether that is worth an answer.
async fn read_feeds(pull: &Pull) -> Result<(BTreeMap<String, Feed>, bool)> {
    let asked = Journal::ALL.into_iter().filter_map(|journal| {
        let cursor = pull.journals.get(journal.name())?;
        Some(async move {
            Ok::<_, SyncError>((journal, cursor, read_feed(journal, pull, cursor).await?))
        })
    });
    let mut feeds = BTreeMap::new();
    let mut is_news = false;
    for (journal, cursor, feed) in try_join_all(asked).await? {
        is_news |= is_worth_telling(&feed, cursor);
        feeds.insert(journal.name().to_owned(), feed);
    }
    Ok((feeds, is_news))
}

/// Whether a node that is at a cursor, and waits for news, is told of this.
fn is_worth_telling(feed: &Feed, cursor: &Cursor) -> bool {
    let FeedPage { bookmark, entries, more } = &feed.page;
    feed.forgot || *more || bookmark.is_recorded(cursor.feed.as_ref(), entries.is_empty())
}

async fn read_feed(journal: Journal, pull: &Pull, cursor: &Cursor) -> Result<Feed> {
    let state = recognise_copy(journal, &pull.node, cursor).await?;
    let known = cursor.feed.as_ref().filter(|known| known.epoch == state.epoch);
    let after = known.map_or(0, |known| known.through);
    let page = if after < state.head {
        journal.read_entries(audience_of(pull, cursor), after, None, BATCH_BYTES).await?
    } else {
        JournalPage { entries: Vec::new(), through: after, more: false }
    };
    let JournalPage { mut entries, through, more } = page;
    let protocol = pull.health.protocol;
    let withheld = protocol.withhold(journal.name(), &mut entries);
    record_withheld(journal, &pull.node, protocol, &state.withheld, withheld).await?;
    let mut bookmark = Bookmark { epoch: state.epoch, through, token: String::new() };
    if bookmark.is_recorded(known, entries.is_empty()) {
        bookmark = journal.issue_token(pull.node.clone(), bookmark.epoch, through).await?;
    }
    let page = FeedPage { bookmark, entries, more };
    Ok(Feed { applied: state.applied, page, forgot: cursor.follows > state.followed })
}

/// The asking node, as an audience: what came from the very copy of its journal is not for it.
fn audience_of(pull: &Pull, cursor: &Cursor) -> Audience {
    Audience {
        node: pull.node.clone(),
        origin: origin_of(&pull.node, &cursor.epoch),
        above: false,
        serves: pull.serves.iter().chain([&pull.node]).cloned().collect(),
    }
}

/// Looks whether a node below knows that the disk here was restored; then the journal has another
/// epoch.
pub async fn recognise_copy(journal: Journal, node: &str, cursor: &Cursor) -> Result<PeerState> {
    let state = journal.read_peer_state(node.to_owned(), cursor.epoch.clone()).await?;
    let missed = missing_sequence(cursor.held.as_ref(), &state.applied, state.missed);
    if let Some(missed) = missed {
        journal.set_missed(node.to_owned(), cursor.epoch.clone(), missed).await?;
    }
    let restart = cursor.restart_after(&state.epoch, &state.issued, missed.is_some());
    let Some(after) = restart else { return Ok(state) };
    eprintln!(
        "{}: node {node} knows more of this journal, or another one: the disk here was restored. \
         Another epoch begins, and everything is compared again",
        journal.name(),
    );
    journal.begin_epoch(state.epoch, after).await?;
    journal.read_peer_state(node.to_owned(), cursor.epoch.clone()).await
}

#[cfg(test)]
mod tests {
    use hedgeschool_replication::Position;

    use super::*;

    fn bookmark(epoch: &str, through: u64) -> Bookmark {
        Bookmark { epoch: epoch.to_owned(), through, token: "t".to_owned() }
    }

    fn cursor(feed: Option<Bookmark>) -> Cursor {
        Cursor { epoch: "mine".to_owned(), feed, heard: Vec::new(), held: None, follows: 0 }
    }

    fn feed(through: u64, more: bool, forgot: bool) -> Feed {
        let page = FeedPage { bookmark: bookmark("e", through), entries: Vec::new(), more };
        Feed { applied: Position::default(), page, forgot }
    }

    #[test]
    fn nobody_is_woken_for_nothing() {
        let here = cursor(Some(bookmark("e", 10)));
        assert!(!is_worth_telling(&feed(900, false, false), &here));
        assert!(is_worth_telling(&feed(1_010, false, false), &here));
        assert!(is_worth_telling(&feed(10, true, false), &here));
        assert!(is_worth_telling(&feed(10, false, true), &here));
        assert!(is_worth_telling(&feed(10, false, false), &cursor(Some(bookmark("f", 10)))));
        assert!(is_worth_telling(&feed(0, false, false), &cursor(None)));
    }
}
