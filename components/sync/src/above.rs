//! How far this node has heard of the journals of the node above, by its own notes.

use std::collections::BTreeMap;

use hedgeschool_replication::recognise::Told;
use hedgeschool_replication::wire::{Bookmark, Cursor, HEARD_MAX};
use hedgeschool_web::Problem;

use crate::link::Link;
use crate::stores::{Batch, Error, Journal, Outline};
use crate::upstream::Upstream;
use crate::{pull, waiting};

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
    /// The note about the stretch that was looked through in vain.
    pub looked: Option<String>,
    /// The notes behind the cursor, by name.
    notes: BTreeMap<String, String>,
}

/// How the names of the notes begin that say how far the upstream's journal has been heard of.
fn notes_above(upstream: &Upstream) -> String {
    format!("above:{} ", upstream.url)
}

/// The name of the note that says how far the upstream's journal has been read in an epoch of the
/// one here: another one is told what came from this one.
pub fn feed_note(upstream: &Upstream, epoch: &str) -> String {
    format!("{}feed:{epoch}", notes_above(upstream))
}

/// The name of the note about what else was heard, with a receipt. It never says anything else.
fn heard_note(upstream: &Upstream, receipt: &str) -> String {
    format!("{}heard:{receipt}", notes_above(upstream))
}

impl Standing {
    /// Reads it.
    pub async fn read(
        journal: Journal,
        upstream: &Upstream,
        link: Option<&Link>,
    ) -> Result<Self, Error> {
        let above = notes_above(upstream);
        let names = [above.as_str(), pull::WANTED, waiting::NOTE].map(str::to_owned);
        let Outline { epoch, head, followed, told, mut notes } =
            journal.look(pull::SELF.to_owned(), names.into()).await?;
        let looked = notes.remove(waiting::NOTE);
        let wanted = notes.keys().filter(|name| name.starts_with(pull::WANTED)).count() as u64;
        notes.retain(|name, _| name.starts_with(&above));
        let bookmark = |text: &String| serde_json::from_str::<Bookmark>(text).ok();
        let feed = feed_note(upstream, &epoch);
        let others = notes.iter().filter(|(name, _)| **name != feed);
        let mut heard: Vec<_> = others.filter_map(|(_, text)| bookmark(text)).collect();
        heard.sort_by_key(|heard| std::cmp::Reverse(heard.through));
        heard.truncate(HEARD_MAX);
        let held = link.and_then(|link| link.held(journal, &epoch));
        let cursor = Cursor {
            feed: notes.get(&feed).and_then(bookmark),
            heard,
            held,
            follows: followed.saturating_sub(wanted),
            epoch,
        };
        Ok(Self { cursor, head, told, is_wanting: wanted > 0, looked, notes })
    }

    /// The note that says how far the upstream's journal has been read.
    pub fn feed_text(&self, upstream: &Upstream) -> Option<&String> {
        self.notes.get(&feed_note(upstream, &self.cursor.epoch))
    }

    /// The epoch of the upstream's journal that is read. None: nothing of it has been.
    pub fn epoch_above(&self) -> Option<&str> {
        self.cursor.feed.as_ref().map(|feed| feed.epoch.as_str())
    }

    /// An answer led to a bookmark, which is noted: what was shown for it, and is covered by it,
    /// need not be shown again.
    pub async fn cover(
        &self,
        journal: Journal,
        upstream: &Upstream,
        bookmark: &Bookmark,
    ) -> Result<(), Error> {
        let heard = heard_note(upstream, "");
        for (name, text) in self.notes.iter().filter(|(name, _)| name.starts_with(&heard)) {
            let shown = serde_json::from_str::<Bookmark>(text);
            if shown.is_ok_and(|shown| bookmark.covers(&shown)) {
                match journal.set_note(name.clone(), String::new()).await {
                    // Then it is shown again.
                    Err(Error::Full) => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }
}

/// Takes note of what was heard of the upstream's journal, beside the feed.
pub async fn hear(journal: Journal, upstream: &Upstream, bookmark: &Bookmark) -> Result<(), Error> {
    let name = heard_note(upstream, &bookmark.receipt);
    let text = serde_json::to_string(bookmark).map_err(|error| Error::Other(error.to_string()))?;
    journal.set_note(name, text).await
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
        note: feed_note(upstream, &standing.cursor.epoch),
        before: standing.feed_text(upstream).cloned(),
        after: String::new(),
        entries: Vec::new(),
    };
    journal.apply(forgetting).await
}
