//! Which copy of a journal is meant: disks are restored from backups and cloned, without anybody telling the software.
//!
//! Both sides keep notes: where they were (a [`Place`], with the mark of its entry) and, written *before* anything is
//! sent or told, how far it was ever sent or told. Who hears of more, or of another entry, speaks with somebody who
//! knows another copy. That a place is empty proves nothing: of what changes often only the last version stays.

use crate::wire::{Bookmark, Cursor, Entry};
use crate::{Place, Position};

/// A journal, as far as it takes to recognise it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its last sequence.
    pub head: u64,
    /// How far it was ever sent or told to the peer.
    pub told: u64,
    /// Something else stands at a place that the peer names: see [`Place::is_another`].
    pub is_another: bool,
}

impl Known {
    /// Whether somebody who has it through a sequence may have it from this copy.
    fn may_be(&self, through: u64) -> bool {
        !self.is_another && through <= self.told.min(self.head)
    }
}

impl Place {
    /// Whether the journal has another entry here than the one that this place is of.
    pub fn is_another(&self, found: Option<&Entry>) -> bool {
        found.is_some_and(|entry| entry.mark() != self.mark)
    }
}

impl Position {
    /// Whether the upstream has this from this copy of the journal. If not, the disk of this node was restored or cloned:
    /// the journal needs a new epoch, and goes up from its beginning.
    pub fn is_of(&self, known: Known) -> bool {
        known.may_be(self.furthest())
    }

    /// Whether an upstream that said this once, and says `now` of the same epoch, has lost something.
    pub fn is_lost(&self, now: &Self) -> bool {
        !now.has(self.through.sequence)
    }
}

impl Bookmark {
    /// Whether the reader has this from this copy of the journal. If not, the disk of this node was restored: the
    /// journal needs a new epoch, and is told from its beginning.
    pub fn is_of(&self, known: Known) -> bool {
        known.may_be(self.through)
    }

    /// Whether it is this copy of the journal, in this epoch, that the sender of a batch has heard so much of. If not,
    /// the sender holds things back that were lost here; it begins another round.
    pub fn is_heard_of(&self, epoch: &str, known: Known) -> bool {
        self.epoch == epoch && self.is_of(known)
    }

    /// What becomes of a page that leads here, for a reader who is at `known`. None: nothing, it need not even be noted.
    pub fn turned(&self, known: Option<&Self>, is_empty: bool) -> Option<Turned> {
        let is_same = known.is_some_and(|known| known.epoch == self.epoch);
        let is_near = known.is_some_and(|known| self.through < known.through + UNNOTED_MAX);
        if is_same && is_empty && is_near {
            return None;
        }
        Some(Turned { follows_again: known.is_some() && !is_same })
    }

    /// Whether a page that leads here is news to a reader who is at `known`.
    pub fn is_news(&self, known: Option<&Self>, is_empty: bool, more: bool) -> bool {
        let known = known.filter(|known| known.epoch == self.epoch);
        !is_empty || more || known.is_none_or(|known| self.through >= known.through + UNNOTED_MAX)
    }
}

impl Cursor {
    /// All that the asking node has heard of this epoch of the upstream's journal.
    pub fn known(&self, epoch: &str) -> impl Iterator<Item = &Bookmark> {
        self.feed.iter().chain(&self.heard).filter(move |known| known.epoch == epoch)
    }
}

/// How much further a bookmark may get without being noted or told, when there was nothing for its reader.
pub const UNNOTED_MAX: u64 = 1_000;

/// A page was applied, and the bookmark moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// It is another upstream, or one that was restored: it does not know whom this node follows.
    pub follows_again: bool,
}

/// Whether a node below tells of something that this one had of its journal, `held`, and has no more: `applied`.
/// `told` is what it told of when that was last the reason for a new epoch: it may ask again before it has heard of that.
pub fn is_missed(held: Option<&Place>, applied: &Position, told: Option<u64>) -> Option<u64> {
    let held = held.filter(|held| !applied.has(held.sequence))?;
    (told != Some(held.sequence)).then_some(held.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bookmark(epoch: &str, through: u64) -> Bookmark {
        Bookmark { epoch: epoch.to_owned(), through, last: None }
    }

    fn at(sequence: u64) -> Position {
        Position { through: Place { sequence, mark: String::new() }, fresh: None }
    }

    #[test]
    fn more_than_was_ever_sent_is_another_copys() {
        let known = Known { head: 100, told: 50, is_another: false };
        assert!(at(50).is_of(known) && !at(51).is_of(known));
        assert!(!at(50).is_of(Known { is_another: true, ..known }));
        assert!(!bookmark("e", 101).is_of(Known { told: 200, ..known }));
    }

    #[test]
    fn what_is_missed_is_told_once() {
        let held = Place { sequence: 9, mark: String::new() };
        assert_eq!(is_missed(Some(&held), &at(8), None), Some(9));
        assert_eq!(is_missed(Some(&held), &at(8), Some(9)), None);
        assert_eq!(is_missed(Some(&held), &at(9), None), None);
        assert_eq!(is_missed(None, &at(0), None), None);
    }

    #[test]
    fn an_empty_page_of_the_same_epoch_is_no_news_unless_it_leads_far() {
        let known = bookmark("e", 10);
        let near = bookmark("e", 900);
        assert_eq!(near.turned(Some(&known), true), None);
        assert!(!near.is_news(Some(&known), true, false));
        let far = bookmark("e", 1_010);
        assert_eq!(far.turned(Some(&known), true), Some(Turned { follows_again: false }));
        assert!(far.is_news(Some(&known), true, false) && near.is_news(Some(&known), false, false));
        let other = bookmark("f", 10);
        assert_eq!(other.turned(Some(&known), true), Some(Turned { follows_again: true }));
        assert_eq!(other.turned(None, true), Some(Turned { follows_again: false }));
        assert!(other.is_news(Some(&known), true, false));
    }
}
