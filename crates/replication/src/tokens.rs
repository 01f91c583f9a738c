//! Which copy of a journal is meant: disks are restored from backups and cloned, without anybody
//! telling the software.
//!
//! Both sides of a link record a checkpoint token, a random text, *before* they send or tell
//! something, and give it along. Who sends a journal up knows a [`Position`] above for its own by
//! the tokens of its batches ([`IssuedTokens::issued_all_of`]): if not, the node above has it from
//! another copy. Who tells of a journal knows by them what nodes below have heard
//! ([`Cursor::restart_after`]): if not, another copy told it. On the wire, and in what is stored,
//! a token is called `receipt`.
//!
//! Numbers would not do. Another copy comes to the same sequences, an answer to a request that was
//! long underway is told to nobody, and a batch that was lost was never applied. Neither would the
//! entries: of what changes often only the last version stays, so that there may be none to
//! compare.

use crate::position::{Checkpoint, Position};
use crate::wire::{Bookmark, Cursor};

/// The tokens that this node issued to another one, as far as that is remembered: the last ones of
/// each epoch of a journal. One without text stands for all that were issued for as much or less.
#[derive(Clone, Debug, Default)]
pub struct IssuedTokens(pub Vec<Bookmark>);

/// How many tokens of an epoch are remembered for a node. Older ones are taken to be known:
/// after so many answers that nobody read, or batches that were lost, another copy would no longer
/// be recognised.
pub const TOKENS_MAX: u32 = 16;

impl IssuedTokens {
    /// Whether this copy of the journal, or one that it was made of, issued this token.
    pub fn contains(&self, shown: &Bookmark) -> bool {
        self.has_issued(&shown.epoch, shown.through, &shown.token)
    }

    /// Whether all that is applied of an epoch was sent by this copy of the journal, or one that
    /// it was made of. If not, the disk here was restored or cloned: the journal needs a new
    /// epoch, and goes up from its beginning.
    pub fn issued_all_of(&self, epoch: &str, applied: &Position) -> bool {
        applied.checkpoints().all(|end| self.has_issued(epoch, end.sequence, &end.token))
    }

    fn has_issued(&self, epoch: &str, through: u64, token: &str) -> bool {
        self.0.iter().any(|issued| {
            issued.epoch == epoch
                && through <= issued.through
                && (issued.token.is_empty() || issued.token == token)
        })
    }

    /// How far the node was told of an epoch before it was told so much. None: as far as it ever
    /// was.
    pub fn issued_through(&self, epoch: &str, before: Option<u64>) -> u64 {
        let of_epoch = self.0.iter().filter(|issued| issued.epoch == epoch);
        let before =
            of_epoch.map(|issued| issued.through).filter(|at| before.is_none_or(|end| *at < end));
        before.max().unwrap_or(0)
    }

    /// Whether a batch is for this copy of the journal, and this `epoch`: its sender holds back
    /// what came from the one `above`, and shows what it `heard` of that. If not, it holds things
    /// back that were lost here; it begins another round.
    pub fn matches_sender(&self, epoch: &str, above: Option<&str>, heard: &[Bookmark]) -> bool {
        above.is_none_or(|above| above == epoch)
            && self.first_unknown(epoch, heard.iter()).is_none()
    }

    /// The first of an epoch's tokens that another copy issued: through which sequence. Those of
    /// other epochs do not matter: whoever shows them reads this one from its beginning.
    fn first_unknown<'a>(
        &self,
        epoch: &str,
        shown: impl Iterator<Item = &'a Bookmark>,
    ) -> Option<u64> {
        let unknown = shown.filter(|shown| shown.epoch == epoch && !self.contains(shown));
        unknown.map(|shown| shown.through).min()
    }
}

impl Position {
    /// Whether an upstream that said this once, and says `now` of the same epoch, has lost
    /// something.
    pub fn is_lost_by(&self, now: &Self) -> bool {
        !now.includes(self.through.sequence)
    }
}

impl Bookmark {
    /// Whether a page that leads here is recorded, by the one who tells and by a reader who is at
    /// `known`.
    pub fn is_recorded(&self, known: Option<&Self>, is_empty: bool) -> bool {
        let known = known.filter(|known| known.epoch == self.epoch);
        !is_empty || known.is_none_or(|known| self.through >= known.through + UNRECORDED_MAX)
    }

    /// What becomes of a page that leads here, for a reader who is at `known`. None: nothing.
    pub fn page_effect(&self, known: Option<&Self>, is_empty: bool) -> Option<PageEffect> {
        let is_other = known.is_some_and(|known| known.epoch != self.epoch);
        self.is_recorded(known, is_empty).then_some(PageEffect { follows_again: is_other })
    }

    /// Whether a reader who was answered this, and had shown the other, may forget that: whoever
    /// knows this token knew the other too. One of an epoch that was left is kept: an upstream
    /// that is restored twice comes back to it.
    pub fn supersedes(&self, shown: &Self) -> bool {
        self.epoch == shown.epoch && shown.through <= self.through
    }
}

impl Cursor {
    /// All tokens that the asking node has to show.
    pub fn shown_bookmarks(&self) -> impl Iterator<Item = &Bookmark> {
        self.feed.iter().chain(&self.heard)
    }

    /// From where on another epoch of the upstream's journal is to begin, because its disk was
    /// restored: the asking node shows a token that another copy issued, or tells of something
    /// that this one has no more.
    pub fn restart_after(
        &self,
        epoch: &str,
        issued: &IssuedTokens,
        is_missing: bool,
    ) -> Option<u64> {
        let unknown = issued.first_unknown(epoch, self.shown_bookmarks());
        (is_missing || unknown.is_some()).then(|| issued.issued_through(epoch, unknown))
    }
}

/// How many sequences further a bookmark may get without being recorded or told, when there was
/// nothing for its reader.
pub const UNRECORDED_MAX: u64 = 1_000;

/// A page was applied, and the bookmark moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageEffect {
    /// It is another upstream, or one that was restored: it does not know whom this node follows.
    pub follows_again: bool,
}

/// The sequence of the node below's journal that this node had, by that one's account (`held`), and
/// has no more (`applied`): the disk here was restored. None: it has all of it. `told` is what it
/// told of when that was last the reason for a new epoch: it may ask again before it has heard of
/// that.
pub fn missing_sequence(
    held: Option<&Checkpoint>,
    applied: &Position,
    told: Option<u64>,
) -> Option<u64> {
    let held = held.filter(|held| !applied.includes(held.sequence))?;
    (told != Some(held.sequence)).then_some(held.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::position::Span;

    fn bookmark(epoch: &str, through: u64) -> Bookmark {
        Bookmark { epoch: epoch.to_owned(), through, token: format!("{epoch}{through}") }
    }

    fn at(sequence: u64) -> Position {
        let through = Checkpoint { sequence, token: String::new() };
        Position { through, fresh: None }
    }

    fn issued() -> IssuedTokens {
        let floor = Bookmark { token: String::new(), ..bookmark("e", 10) };
        IssuedTokens(vec![floor, bookmark("e", 20), bookmark("e", 30), bookmark("f", 5)])
    }

    #[test]
    fn a_position_is_this_copys_if_it_issued_the_tokens() {
        let at = |through, token: &str| Position {
            through: Checkpoint { sequence: through, token: token.to_owned() },
            fresh: None,
        };
        assert!(
            issued().issued_all_of("e", &Position::default())
                && issued().issued_all_of("g", &Position::default())
        );
        assert!(
            issued().issued_all_of("e", &at(20, "e20"))
                && issued().issued_all_of("e", &at(9, "forgotten"))
        );
        assert!(
            !issued().issued_all_of("e", &at(20, "x"))
                && !issued().issued_all_of("g", &at(20, "e20"))
        );
        let fresh = |token: &str| {
            let through = Checkpoint { sequence: 30, token: token.to_owned() };
            Position { fresh: Some(Span { after: 25, through }), ..at(20, "e20") }
        };
        assert!(
            issued().issued_all_of("e", &fresh("e30")) && !issued().issued_all_of("e", &fresh("x"))
        );
    }

    #[test]
    fn a_token_is_known_or_older_than_all_that_are() {
        let other = |through| Bookmark { token: "x".to_owned(), ..bookmark("e", through) };
        assert!(issued().contains(&bookmark("e", 30)) && issued().contains(&bookmark("f", 5)));
        assert!(
            issued().contains(&other(10))
                && !issued().contains(&other(11))
                && !issued().contains(&other(30))
        );
        assert!(!issued().contains(&bookmark("g", 1)));
        let more = Bookmark { through: 31, ..bookmark("e", 30) };
        assert!(!issued().contains(&more));
        assert!(issued().matches_sender("e", Some("e"), &[bookmark("e", 20), bookmark("g", 5)]));
        assert!(
            issued().matches_sender("e", None, &[])
                && !issued().matches_sender("f", Some("e"), &[])
        );
        assert!(!issued().matches_sender("e", Some("e"), &[other(30)]));
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
        assert_eq!(cursor.restart_after("e", &issued(), false), None);
        assert_eq!(cursor.restart_after("e", &issued(), true), Some(30));
        cursor.heard = vec![bookmark("e", 25)];
        assert_eq!(cursor.restart_after("e", &issued(), false), Some(20));
        cursor.heard = vec![bookmark("g", 25)];
        assert_eq!(cursor.restart_after("e", &issued(), false), None);
    }

    #[test]
    fn what_is_missed_is_told_once() {
        let held = Checkpoint { sequence: 9, token: String::new() };
        assert_eq!(missing_sequence(Some(&held), &at(8), None), Some(9));
        assert_eq!(missing_sequence(Some(&held), &at(8), Some(9)), None);
        assert_eq!(missing_sequence(Some(&held), &at(9), None), None);
        assert_eq!(missing_sequence(None, &at(0), None), None);
    }

    #[test]
    fn an_empty_page_of_the_same_epoch_is_not_noted_unless_it_leads_far() {
        let known = bookmark("e", 10);
        let near = bookmark("e", 900);
        assert_eq!(near.page_effect(Some(&known), true), None);
        assert!(near.is_recorded(Some(&known), false));
        let far = bookmark("e", 1_010);
        assert_eq!(far.page_effect(Some(&known), true), Some(PageEffect { follows_again: false }));
        let other = bookmark("f", 10);
        assert_eq!(other.page_effect(Some(&known), true), Some(PageEffect { follows_again: true }));
        assert_eq!(other.page_effect(None, true), Some(PageEffect { follows_again: false }));
        assert!(far.supersedes(&near) && !near.supersedes(&far) && !other.supersedes(&far));
    }
}
