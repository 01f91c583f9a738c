use hedgeschool_journal::types::{Advance, Checkpoint, PeerAdvance, Position};
use proptest::prelude::*;
use rusqlite::types::Value as Column;
use serde_json::value::RawValue;

use super::*;
use crate::batch::{BATCH_MAX, facts};
use crate::test_database::{open_database, read_rows, run_statement};
use crate::test_statements::{Object, Sketch, make_bodies, store_bodies};

fn sketch() -> Sketch {
    Sketch {
        number: 0,
        actor: 0,
        verb: 0,
        object: Object::Activity(0),
        voids: false,
        instructor: None,
        category: None,
        registration: None,
        authority: 0,
        score: Some(1),
    }
}

/// What statements add up to, in the order of its keys.
const COMPLETIONS: &str =
    "SELECT agent, activity, completed, passed, score, progress, duration_ms, statements, updated_ms
    FROM completion ORDER BY agent, activity";
/// All that is kept of statements beside them.
const DEFINITIONS: &str =
    "SELECT activity, hash, day, body FROM definition ORDER BY activity, hash";
/// Which are voided, by their ids.
const VOIDED: &str = "SELECT id, voided FROM statement ORDER BY id";

#[test]
fn there_are_few_sizes_and_little_is_wasted() {
    let mut sizes: Vec<_> = (0..=BATCH_MAX).map(round_up).collect();
    assert!(sizes.iter().zip(0..).all(|(rows, count)| (count..=count + count / 4).contains(rows)));
    sizes.dedup();
    assert!(sizes.len() < 40, "{sizes:?}");
}

#[test]
fn what_was_stored_before_is_stored_again_and_what_differs_is_refused() {
    let database = open_database();
    let (one, other) = (sketch(), Sketch { verb: 1, ..sketch() });
    let beside = Sketch { number: 1, ..sketch() };
    store_bodies(&database, &[one.make_body()]).unwrap();
    store_bodies(&database, &[one.make_body(), beside.make_body()]).unwrap();
    let third = Sketch { number: 2, ..sketch() };
    let refused = store_bodies(&database, &[third.make_body(), other.make_body()]).unwrap_err();
    assert!(refused.contains("hedgeschool: conflict"), "{refused}");
    let stored = read_rows(&database, "SELECT body FROM statement ORDER BY sequence", &[]);
    let bodies = [one.make_body(), beside.make_body()].map(|body| vec![Column::Text(body)]);
    assert_eq!(stored, bodies, "nothing of a refused batch is there");
}

#[test]
fn a_peer_that_has_another_statement_under_an_id_loses_it_visibly() {
    let database = open_database();
    store_bodies(&database, &[sketch().make_body()]).unwrap();
    let other = Sketch { verb: 1, ..sketch() }.make_body();
    let through = Checkpoint { sequence: 7, token: "t".into() };
    let advance = Advance::Peer(PeerAdvance {
        node: "edge".into(),
        epoch: "ee".into(),
        before: None,
        after: Position { through, fresh: None },
    });
    let peer = Origin { peer: "edge:ee".into(), advance };
    let bodies = vec![other.clone()];
    let facts = facts(&bodies).unwrap();
    let Insertion { sql, parameters } = insertion(bodies, &facts, Vec::new(), Some(peer));
    run_statement(&database, &sql, &parameters).unwrap();
    let lost = read_rows(&database, "SELECT kind, lost FROM conflict", &[]);
    assert_eq!(lost, [vec![Column::Text("statement".into()), Column::Text(other)]]);
    let position = read_rows(&database, "SELECT node, through FROM peer_position", &[]);
    assert_eq!(position, [vec![Column::Text("edge".into()), Column::Integer(7)]]);
    let again = run_statement(&database, &sql, &parameters).unwrap_err();
    assert!(again.contains("hedgeschool: moved"), "{again}");
}

#[test]
fn definitions_are_written_as_the_library_writes_them() {
    let both = [sketch(), Sketch { number: 9, actor: 2, ..sketch() }, sketch()];
    let facts = facts(&make_bodies(&both)).unwrap();
    let written = write_definitions(&facts);
    let parsed: Vec<(String, i64, i64, Box<RawValue>)> = serde_json::from_str(&written).unwrap();
    assert_eq!(serde_json::to_string(&parsed).unwrap(), written);
    assert_eq!(parsed.len(), 2, "each once: {written}");
    assert_eq!(write_definitions(&[]), "[]");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_statements_is_no_matter(
        (there, here) in Sketch::several_sketches(8)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        size in 1..8_usize,
    ) {
        let (one, other) = (open_database(), open_database());
        store_bodies(&one, &make_bodies(&there)).unwrap();
        for batch in here.chunks(size) {
            store_bodies(&other, &make_bodies(batch)).unwrap();
        }
        for sql in [COMPLETIONS, DEFINITIONS, VOIDED] {
            prop_assert_eq!(read_rows(&one, sql, &[]), read_rows(&other, sql, &[]), "{}", sql);
        }
    }

    #[test]
    fn what_is_voided_is_voided_whichever_comes_first(all in Sketch::several_sketches(8)) {
        let database = open_database();
        store_bodies(&database, &make_bodies(&all)).unwrap();
        let voided: Vec<_> = read_rows(&database, VOIDED, &[])
            .into_iter()
            .map(|row| row[1] == Column::Integer(1))
            .collect();
        let is_voided = |it: &Sketch| {
            let target = Object::Statement(it.number);
            !it.voids && all.iter().any(|other| other.voids && other.object == target)
        };
        prop_assert_eq!(voided, all.iter().map(is_voided).collect::<Vec<_>>());
    }
}
