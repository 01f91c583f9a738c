//! Which copy of a journal is meant: disks are restored from backups and cloned, without anybody
//! telling the software.
//!
//! Both sides of a link take note of a receipt, a random text, *before* they send or tell
//! something, and give it along. Who sends a journal up knows a [`Position`] above for its own by
//! the receipts of its batches ([`Told::is_of`]): if not, the node above has it from another copy.
//! Who tells of a journal knows by them what nodes below have heard ([`Cursor::unknown`]): if not,
//! another copy told it.
//!
//! Numbers would not do. Another copy comes to the same sequences, an answer to a request that was
//! long underway is told to nobody, and a batch that was lost was never applied. Neither would the
//! entries: of what changes often only the last version stays, so that there may be none to
//! compare.

use crate::wire::{Bookmark, Cursor};
use crate::{Place, Position};

/// What another node was told of a journal, as far as that is remembered: the last receipts that
/// it was given, of all epochs. One without text stands for all that were given for as much or
/// less.
#[derive(Clone, Debug, Default)]
pub struct Told(pub Vec<Bookmark>);

/// How many receipts of an epoch are remembered for a node. Older ones are taken to be known:
/// after so many answers that nobody read, or batches that were lost, another copy would no longer
/// be recognised.
pub const RECEIPTS_MAX: u32 = 16;

impl Told {
    /// Whether this copy of the journal, or one that it was made of, gave this receipt.
    pub fn has(&self, shown: &Bookmark) -> bool {
        self.gave(&shown.epoch, shown.through, &shown.receipt)
    }

    /// Whether all that is applied of an epoch was sent by this copy of the journal, or one that
    /// it was made of. If not, the disk here was restored or cloned: the journal needs a new
    /// epoch, and goes up from its beginning.
    pub fn is_of(&self, epoch: &str, applied: &Position) -> bool {
        applied.places().all(|place| self.gave(epoch, place.sequence, &place.receipt))
    }

    fn gave(&self, epoch: &str, through: u64, receipt: &str) -> bool {
        self.0.iter().any(|given| {
            given.epoch == epoch
                && through <= given.through
                && (given.receipt.is_empty() || given.receipt == receipt)
        })
    }

    /// How far the node was told of an epoch before it was told so much. None: as far as it ever
    /// was.
    pub fn through(&self, epoch: &str, before: Option<u64>) -> u64 {
        let of_epoch = self.0.iter().filter(|given| given.epoch == epoch);
        let before =
            of_epoch.map(|given| given.through).filter(|at| before.is_none_or(|end| *at < end));
        before.max().unwrap_or(0)
    }

    /// Whether a batch is for this copy of the journal, and this `epoch`: its sender holds back
    /// what came from the one `above`, and shows what it `heard` of that. If not, it holds things
    /// back that were lost here; it begins another round.
    pub fn is_all_heard(&self, epoch: &str, above: Option<&str>, heard: &[Bookmark]) -> bool {
        above.is_none_or(|above| above == epoch) && self.unknown(epoch, heard.iter()).is_none()
    }

    /// The first of an epoch's receipts that another copy gave: through which sequence. Those of
    /// other epochs do not matter: whoever shows them reads this one from its beginning.
    fn unknown<'a>(&self, epoch: &str, shown: impl Iterator<Item = &'a Bookmark>) -> Option<u64> {
        let unknown = shown.filter(|shown| shown.epoch == epoch && !self.has(shown));
        unknown.map(|shown| shown.through).min()
    }
}

impl Position {
    /// Whether an upstream that said this once, and says `now` of the same epoch, has lost
    /// something.
    pub fn is_lost(&self, now: &Self) -> bool {
        !now.has(self.through.sequence)
    }
}

impl Bookmark {
    /// Whether a page that leads here is to be noted, by the one who tells and by a reader who is
    /// at `known`.
    pub fn is_noted(&self, known: Option<&Self>, is_empty: bool) -> bool {
        let known = known.filter(|known| known.epoch == self.epoch);
        !is_empty || known.is_none_or(|known| self.through >= known.through + UNNOTED_MAX)
    }

    /// What becomes of a page that leads here, for a reader who is at `known`. None: nothing.
    pub fn turned(&self, known: Option<&Self>, is_empty: bool) -> Option<Turned> {
        let is_other = known.is_some_and(|known| known.epoch != self.epoch);
        self.is_noted(known, is_empty).then_some(Turned { follows_again: is_other })
    }

    /// Whether a reader who was answered this, and had shown the other, may forget that: whoever
    /// knows this receipt knew the other too. One of an epoch that was left is kept: an upstream
    /// that is restored twice comes back to it.
    pub fn covers(&self, shown: &Self) -> bool {
        self.epoch == shown.epoch && shown.through <= self.through
    }
}

impl Cursor {
    /// All receipts that the asking node has to show.
    pub fn shown(&self) -> impl Iterator<Item = &Bookmark> {
        self.feed.iter().chain(&self.heard)
    }

    /// From where on another epoch of the upstream's journal is to begin, because its disk was
    /// restored: the asking node shows a receipt that another copy gave, or tells of something
    /// that this one has no more.
    pub fn unknown(&self, epoch: &str, told: &Told, is_missing: bool) -> Option<u64> {
        let unknown = told.unknown(epoch, self.shown());
        (is_missing || unknown.is_some()).then(|| told.through(epoch, unknown))
    }
}

/// How much further a bookmark may get without being noted or told, when there was nothing for its
/// reader.
pub const UNNOTED_MAX: u64 = 1_000;

/// A page was applied, and the bookmark moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// It is another upstream, or one that was restored: it does not know whom this node follows.
    pub follows_again: bool,
}

/// Whether a node below tells of something that this one had of its journal, `held`, and has no
/// more: `applied`. `told` is what it told of when that was last the reason for a new epoch: it
/// may ask again before it has heard of that.
pub fn is_missed(held: Option<&Place>, applied: &Position, told: Option<u64>) -> Option<u64> {
    let held = held.filter(|held| !applied.has(held.sequence))?;
    (told != Some(held.sequence)).then_some(held.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    fn bookmark(epoch: &str, through: u64) -> Bookmark {
        Bookmark { epoch: epoch.to_owned(), through, receipt: format!("{epoch}{through}") }
    }

    fn at(sequence: u64) -> Position {
        let through = Place { sequence, receipt: String::new() };
        Position { through, fresh: None }
    }

    fn told() -> Told {
        let floor = Bookmark { receipt: String::new(), ..bookmark("e", 10) };
        Told(vec![floor, bookmark("e", 20), bookmark("e", 30), bookmark("f", 5)])
    }

    #[test]
    fn a_position_is_this_copys_if_it_gave_the_receipts() {
        let at = |through, receipt: &str| Position {
            through: Place { sequence: through, receipt: receipt.to_owned() },
            fresh: None,
        };
        assert!(told().is_of("e", &Position::default()) && told().is_of("g", &Position::default()));
        assert!(told().is_of("e", &at(20, "e20")) && told().is_of("e", &at(9, "forgotten")));
        assert!(!told().is_of("e", &at(20, "x")) && !told().is_of("g", &at(20, "e20")));
        let fresh = |receipt: &str| {
            let through = Place { sequence: 30, receipt: receipt.to_owned() };
            Position { fresh: Some(Span { after: 25, through }), ..at(20, "e20") }
        };
        assert!(told().is_of("e", &fresh("e30")) && !told().is_of("e", &fresh("x")));
    }

    #[test]
    fn a_receipt_is_known_or_older_than_all_that_are() {
        let other = |through| Bookmark { receipt: "x".to_owned(), ..bookmark("e", through) };
        assert!(told().has(&bookmark("e", 30)) && told().has(&bookmark("f", 5)));
        assert!(told().has(&other(10)) && !told().has(&other(11)) && !told().has(&other(30)));
        assert!(!told().has(&bookmark("g", 1)));
        let more = Bookmark { through: 31, ..bookmark("e", 30) };
        assert!(!told().has(&more));
        assert!(told().is_all_heard("e", Some("e"), &[bookmark("e", 20), bookmark("g", 5)]));
        assert!(told().is_all_heard("e", None, &[]) && !told().is_all_heard("f", Some("e"), &[]));
        assert!(!told().is_all_heard("e", Some("e"), &[other(30)]));
    }

    #[test]
    fn another_epoch_begins_where_a_copy_s_own_began() {
        let mut cursor = Cursor {
            epoch: "mine".to_owned(),
            feed: Some(bookmark("e", 30)),
            heard: Vec::new(),
            held: None,
            follows: 0,
        };
        assert_eq!(cursor.unknown("e", &told(), false), None);
        assert_eq!(cursor.unknown("e", &told(), true), Some(30));
        cursor.heard = vec![bookmark("e", 25)];
        assert_eq!(cursor.unknown("e", &told(), false), Some(20));
        cursor.heard = vec![bookmark("g", 25)];
        assert_eq!(cursor.unknown("e", &told(), false), None);
    }

    #[test]
    fn what_is_missed_is_told_once() {
        let held = Place { sequence: 9, receipt: String::new() };
        assert_eq!(is_missed(Some(&held), &at(8), None), Some(9));
        assert_eq!(is_missed(Some(&held), &at(8), Some(9)), None);
        assert_eq!(is_missed(Some(&held), &at(9), None), None);
        assert_eq!(is_missed(None, &at(0), None), None);
    }

    #[test]
    fn an_empty_page_of_the_same_epoch_is_not_noted_unless_it_leads_far() {
        let known = bookmark("e", 10);
        let near = bookmark("e", 900);
        assert_eq!(near.turned(Some(&known), true), None);
        assert!(near.is_noted(Some(&known), false));
        let far = bookmark("e", 1_010);
        assert_eq!(far.turned(Some(&known), true), Some(Turned { follows_again: false }));
        let other = bookmark("f", 10);
        assert_eq!(other.turned(Some(&known), true), Some(Turned { follows_again: true }));
        assert_eq!(other.turned(None, true), Some(Turned { follows_again: false }));
        assert!(far.covers(&near) && !near.covers(&far) && !other.covers(&far));
    }
}
