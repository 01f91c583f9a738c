//! Who has a name, and that nobody loses it unseen.

use proptest::prelude::*;

use hedgeschool_journal::Versioned;

use crate::entry::tests::ada;
use crate::entry::{ConflictEntry, PersonEntry};
use crate::namesakes::{Decision, Sender, Standing, decide, is_news, last_losers};

const HUB: &str = "hub:e1";

fn here(person: PersonEntry, peer: Option<&str>) -> Standing {
    Standing { person, peer: peer.map(str::to_owned) }
}

fn removed(person: PersonEntry) -> PersonEntry {
    PersonEntry { removed: true, ..person }
}

/// Who stands afterwards, who lost, and against whom.
fn told(before: &Standing, decision: &Decision) -> (PersonEntry, Vec<PersonEntry>) {
    let stands = decision.change.as_ref().map_or(&before.person, |change| &change.stands);
    let lost = decision.change.iter().filter_map(|change| change.lost.clone());
    let losers = decision.loser.iter().map(|loser| loser.person.clone());
    (stands.clone(), lost.chain(losers).collect())
}

#[test]
fn a_new_name_is_whoever_is_told_of() {
    let arriving = ada(Some("galway"), "aa", 1, &[]);
    let decision = decide(None, arriving.clone(), Sender::Above(HUB));
    let change = decision.change.unwrap();
    assert_eq!((change.stands, change.lost, change.is_made), (arriving, None, false));
    assert_eq!(decision.loser, None);
}

#[test]
fn a_node_below_does_not_take_the_name_of_somebody_elsewhere() {
    let scope = ["galway".to_owned()];
    for home in [Some("cork"), None] {
        let before = here(ada(home, "cc", 1, &[]), None);
        let theirs = ada(Some("galway"), "aa", 99, &[]);
        let decision = decide(Some(&before), theirs.clone(), Sender::Below(&scope));
        assert_eq!(told(&before, &decision), (before.person.clone(), vec![theirs]));
        assert!(decision.change.unwrap().is_made, "the sender hears of it");
    }
}

#[test]
fn a_name_of_somebody_who_was_removed_is_free() {
    let scope = ["galway".to_owned()];
    let before = here(removed(ada(Some("cork"), "cc", 5, &[])), None);
    let theirs = ada(Some("galway"), "aa", 1, &[]);
    let decision = decide(Some(&before), theirs.clone(), Sender::Below(&scope));
    let (stands, lost) = told(&before, &decision);
    assert_eq!((stands.home.as_deref(), stands.removed, lost.len()), (Some("galway"), false, 0));
    assert!(stands.seen.includes(&before.person.seen), "it stands against the one before");
    let gone = decide(Some(&before), removed(theirs), Sender::Below(&scope));
    assert_eq!(gone, Decision::default());
}

#[test]
fn two_of_two_nodes_stay_where_they_are_and_it_is_noticed() {
    let before = here(ada(Some("galway"), "aa", 1, &[]), None);
    let theirs = ada(Some("cork"), "cc", 99, &[]);
    let decision = decide(Some(&before), theirs, Sender::Above(HUB));
    assert_eq!(decision.change, None);
    let loser = decision.loser.unwrap();
    assert_eq!((loser.person, loser.against.as_deref()), (before.person, Some("cork")));
}

#[test]
fn the_node_above_takes_a_name_for_all_nodes_and_the_one_before_is_kept() {
    let before = here(ada(Some("galway"), "aa", 99, &[]), None);
    let theirs = ada(None, "cc", 1, &[]);
    let decision = decide(Some(&before), theirs.clone(), Sender::Above(HUB));
    assert_eq!(told(&before, &decision), (theirs, vec![before.person]));
}

#[test]
fn who_belongs_to_all_is_as_a_node_above_that_was_restored_has_them() {
    let before = here(ada(None, "cc", 9, &[]), Some("hub:e1"));
    let older = ada(None, "cc", 3, &[]);
    let restored = decide(Some(&before), older.clone(), Sender::Above("hub:e2"));
    assert_eq!(told(&before, &restored), (older.clone(), vec![before.person.clone()]));
    let again = decide(Some(&before), older, Sender::Above("hub:e1"));
    assert_eq!(again, Decision::default(), "it is an older version by the same journal");
}

#[test]
fn somebody_removed_above_leaves_a_namesake_alone() {
    let before = here(ada(Some("galway"), "aa", 1, &[]), None);
    let theirs = removed(ada(Some("cork"), "cc", 99, &[]));
    assert_eq!(decide(Some(&before), theirs, Sender::Above(HUB)), Decision::default());
}

#[test]
fn somebody_who_moved_knowingly_is_the_same_one() {
    let before = here(ada(Some("galway"), "aa", 1, &[]), None);
    let moved = ada(Some("cork"), "cc", 2, &[("aa", 1)]);
    let decision = decide(Some(&before), moved.clone(), Sender::Above(HUB));
    assert_eq!(told(&before, &decision), (moved, Vec::new()));
}

#[test]
fn conflicts_tell_of_the_last_who_lost_unless_the_person_comes_too() {
    let conflict = |stamp| ConflictEntry::notice(ada(Some("galway"), "aa", stamp, &[]), None, 0);
    let conflicts = [conflict(1), conflict(3), conflict(2)];
    let last = last_losers(&conflicts, &[]);
    assert_eq!(last.iter().map(|it| it.stamp).collect::<Vec<_>>(), [3]);
    assert!(last_losers(&conflicts, &[ada(None, "cc", 1, &[])]).is_empty());
    let lost = ada(Some("galway"), "aa", 3, &[("bb", 1)]);
    assert!(is_news(&lost, None));
    assert!(is_news(&lost, Some(&ada(Some("galway"), "bb", 1, &[]))));
    assert!(!is_news(&lost, Some(&lost)));
    assert!(!is_news(&lost, Some(&ada(Some("cork"), "bb", 1, &[]))), "somebody else");
    assert!(!is_news(&lost, Some(&ada(Some("galway"), "cc", 1, &[]))), "it knows nothing of that");
}

/// Any version that a writer can have made: equal stamp and writer mean the same version.
fn person(homes: &'static [&'static str]) -> impl Strategy<Value = PersonEntry> {
    let knew = prop::collection::vec(0i64..4, 3);
    (0..homes.len(), 0usize..3, 1i64..9, knew).prop_map(move |(home, writer, stamp, knew)| {
        const WRITERS: [&str; 3] = ["aa", "bb", "cc"];
        let knew: Vec<_> = WRITERS.into_iter().zip(knew).filter(|(_, stamp)| *stamp > 0).collect();
        let home = Some(homes[home]).filter(|home| !home.is_empty());
        let made = ada(home, WRITERS[writer], stamp, &knew);
        PersonEntry { removed: stamp % 4 == 0, ..made }
    })
}

const HOMES: &[&str] = &["galway", "cork", ""];

fn peer() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("hub:e1"), Some("hub:e0"), Some("galway:e3")])
}

proptest! {
    /// Versions of one node's person come out the same, whichever was here first.
    #[test]
    fn versions_of_one_person_converge(
        one in person(&["galway"]), other in person(&["galway"]),
    ) {
        let scope = ["galway".to_owned()];
        let meet = |here: &PersonEntry, arriving: &PersonEntry| {
            let before = Standing { person: here.clone(), peer: None };
            told(&before, &decide(Some(&before), arriving.clone(), Sender::Below(&scope))).0
        };
        let (stands, turned) = (meet(&one, &other), meet(&other, &one));
        prop_assert_eq!(stands.version(), turned.version());
        prop_assert_eq!(meet(&stands, &one).version(), stands.version(), "it is older");
    }

    /// Nobody vanishes: whoever is here and does not stand was known to who does, says the same,
    /// was removed, or is kept as somebody who lost.
    #[test]
    fn no_one_is_lost_unseen(
        standing in person(HOMES), arriving in person(HOMES), peer in peer(), from_below: bool,
    ) {
        // Equal stamps of one writer mean the same version.
        prop_assume!((standing.stamp, &standing.writer) != (arriving.stamp, &arriving.writer));
        let before = here(standing, peer);
        let scope = ["galway".to_owned()];
        let sender = if from_below { Sender::Below(&scope) } else { Sender::Above(HUB) };
        // What was sent is judged before: see `check_scope`.
        prop_assume!(!from_below || arriving.belongs_to(&scope));
        let decision = decide(Some(&before), arriving.clone(), sender);
        let (stands, lost) = told(&before, &decision);
        for one in [&before.person, &arriving] {
            let is_there = stands.says_the_same(one) || lost.iter().any(|it| it.says_the_same(one));
            let was_known = [&before.person, &arriving].into_iter().any(|other| {
                other.version() != one.version() && other.seen.includes(&one.seen)
            });
            // Of a person who stays and a namesake of elsewhere, the conflict is about the one
            // here; the other one is where they came from.
            let is_elsewhere = decision.loser.as_ref().is_some_and(|it| it.against.is_some());
            prop_assert!(
                is_there || was_known || one.removed || is_elsewhere,
                "{:?} vanished: {:?}", one, decision
            );
        }
    }

    /// Whatever a node below sends, somebody of elsewhere who is here stays who they are.
    #[test]
    fn nothing_from_below_touches_who_is_not_of_there(
        standing in person(&["cork", ""]), arriving in person(&["galway"]), peer in peer(),
    ) {
        prop_assume!(!standing.removed);
        let before = here(standing, peer);
        let scope = ["galway".to_owned()];
        let decision = decide(Some(&before), arriving, Sender::Below(&scope));
        prop_assert_eq!(told(&before, &decision).0, before.person);
        prop_assert_eq!(decision.loser, None);
    }
}
