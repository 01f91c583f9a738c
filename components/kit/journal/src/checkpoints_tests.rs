//! What an earlier release noted, in the tables that came after.

use rusqlite::Connection;

/// A database of a store whose notes are these, brought here.
fn migrated(notes: &[(&str, &str)]) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(crate::SCHEMA).unwrap();
    for note in notes {
        database.execute("INSERT INTO note (name, text) VALUES (?1, ?2)", *note).unwrap();
    }
    database.execute_batch(crate::CHECKPOINTS).unwrap();
    database
}

/// What a statement answers, a line a row.
fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map((), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn advance(database: &Connection, advance: &str) -> Result<(), String> {
    let advanced = database.execute("INSERT INTO advancing (advance) VALUES (?1)", [advance]);
    advanced.map(drop).map_err(|error| error.to_string())
}

const MOVED: &str = "hedgeschool: moved";

#[test]
fn what_was_noted_amid_a_backlog_goes_on() {
    let database = migrated(&[
        ("applied:a:b:ee", r#"{"through":{"sequence":5,"receipt":"r"}}"#),
        (
            "applied:x:ff",
            r#"{"through":{"sequence":5,"receipt":"r"},
                "fresh":{"after":9,"through":{"sequence":12,"receipt":"q"}}}"#,
        ),
        ("lost:x:ff", "7"),
        ("withheld:x", r#"["course","person"]"#),
        ("above:http://hub:1 feed:ee", r#"{"epoch":"u","through":3,"receipt":"t"}"#),
        ("above:http://hub:1 heard:t2", r#"{"epoch":"u","through":2,"receipt":"t2"}"#),
        ("wanted:mailto:ada@example.org", "17"),
        ("limits", "90 100"),
        ("looked", r#"{"epoch":"e","audience":17,"after":0,"through":9}"#),
    ]);
    let sql = "SELECT concat_ws(' ', node, epoch, through, token, fresh_after, fresh_through,
        fresh_token) FROM peer_position";
    assert_eq!(rows(&database, sql), ["a:b ee 5 r", "x ff 5 r 9 12 q"]);
    let sql = "SELECT concat_ws(' ', node, epoch, through) FROM peer_missed";
    assert_eq!(rows(&database, sql), ["x ff 7"]);
    let sql = "SELECT node || ' ' || kind FROM peer_withheld";
    assert_eq!(rows(&database, sql), ["x course", "x person"]);
    let sql = "SELECT concat_ws(' ', upstream, epoch, above, through, token) FROM upstream_cursor";
    assert_eq!(rows(&database, sql), ["http://hub:1 ee u 3 t"]);
    let sql = "SELECT concat_ws(' ', upstream, token, above, through) FROM received_token";
    assert_eq!(rows(&database, sql), ["http://hub:1 t2 u 2"]);
    let sql = "SELECT subject || ' ' || after FROM wanted_record";
    assert_eq!(rows(&database, sql), ["mailto:ada@example.org 17"]);
    assert_eq!(rows(&database, "SELECT high || ' ' || full FROM size_limit"), ["90 100"]);
    assert_eq!(rows(&database, "SELECT epoch FROM scan_watermark"), [""; 0]);
    assert_eq!(rows(&database, "SELECT name FROM unread_note"), [""; 0]);
    assert_eq!(rows(&database, "SELECT epoch FROM journal_copy").len(), 1);
}

#[test]
fn what_cannot_be_read_is_kept_for_somebody_to_see() {
    let notes = [
        ("applied:x:ee", r#"{"through":{"sequence":"five"#),
        ("applied:y:ee", r#"{"through":{"sequence":"five","receipt":""}}"#),
        ("from the future", "?"),
        ("limits", "many"),
        ("lost:x:ee", "-1"),
    ];
    let database = migrated(&notes);
    let unread = rows(&database, "SELECT name FROM unread_note ORDER BY name");
    assert_eq!(unread, notes.map(|(name, _)| name));
    assert_eq!(rows(&database, "SELECT node FROM peer_position"), [""; 0]);
}

#[test]
fn what_was_for_people_alone_is_no_round_s_trouble() {
    let notes =
        [("below:x", "?"), ("day 3", "?"), ("redis", "?"), ("trace 0", "?"), ("upstream", "?")];
    let database = migrated(&notes);
    assert_eq!(rows(&database, "SELECT name FROM unread_note"), [""; 0]);
}

#[test]
fn a_position_advances_from_where_it_is_alone() {
    let database = migrated(&[]);
    let first = r#"{"of":"peer","node":"x","epoch":"ee","before":null,
        "after":{"through":5,"token":"a","fresh_after":9,"fresh_through":12,"fresh_token":"b"}}"#;
    assert_eq!(advance(&database, first), Ok(()));
    assert_eq!(advance(&database, first).unwrap_err(), MOVED);
    let second = |token: &str, fresh: u64| {
        format!(
            r#"{{"of":"peer","node":"x","epoch":"ee","before":{{"through":5,"token":"{token}",
            "fresh_after":9,"fresh_through":{fresh},"fresh_token":"b"}},
            "after":{{"through":12,"token":"b"}}}}"#
        )
    };
    assert_eq!(advance(&database, &second("c", 12)).unwrap_err(), MOVED);
    assert_eq!(advance(&database, &second("a", 11)).unwrap_err(), MOVED);
    assert_eq!(advance(&database, &second("a", 12)), Ok(()));
    let sql = "SELECT concat_ws(' ', through, token, fresh_after) FROM peer_position";
    assert_eq!(rows(&database, sql), ["12 b"]);
}

#[test]
fn a_cursor_advances_and_is_forgotten_from_where_it_is() {
    let database = migrated(&[]);
    let of = |before: &str, after: &str| {
        format!(
            r#"{{"of":"cursor","upstream":"http://hub","epoch":"ee",
            "before":{before},"after":{after}}}"#
        )
    };
    let (one, other) =
        (r#"{"epoch":"u","through":3,"token":"t"}"#, r#"{"epoch":"v","through":3,"token":"t"}"#);
    assert_eq!(advance(&database, &of(one, other)).unwrap_err(), MOVED);
    assert_eq!(advance(&database, &of("null", one)), Ok(()));
    assert_eq!(advance(&database, &of(other, "null")).unwrap_err(), MOVED);
    assert_eq!(advance(&database, &of(one, other)), Ok(()));
    assert_eq!(rows(&database, "SELECT above FROM upstream_cursor"), ["v"]);
    assert_eq!(advance(&database, &of(other, "null")), Ok(()));
    assert_eq!(rows(&database, "SELECT above FROM upstream_cursor"), [""; 0]);
}

#[test]
fn a_record_advances_until_it_is_not_wanted_any_more() {
    let database = migrated(&[("wanted:ada", "0")]);
    let of = |before: u64, after: &str| {
        format!(r#"{{"of":"record","subject":"ada","before":{before},"after":{after}}}"#)
    };
    assert_eq!(advance(&database, &of(0, "4")), Ok(()));
    assert_eq!(advance(&database, &of(0, "4")).unwrap_err(), MOVED);
    assert_eq!(advance(&database, &of(4, "null")), Ok(()));
    assert_eq!(rows(&database, "SELECT subject FROM wanted_record"), [""; 0]);
    assert_eq!(advance(&database, &of(4, "null")).unwrap_err(), MOVED);
}

#[test]
fn a_restored_copy_and_one_that_begins_anew_have_other_names() {
    let database = migrated(&[]);
    let epoch = || rows(&database, "SELECT epoch FROM journal_copy");
    let first = epoch();
    database
        .execute(
            "INSERT INTO renewing (epoch, fresh, after) SELECT epoch, 'fresh', 0 FROM journal_copy",
            (),
        )
        .unwrap();
    assert_eq!(epoch(), ["fresh"]);
    database.execute_batch(crate::RESTORED).unwrap();
    assert!(epoch() != first && epoch() != ["fresh"]);
}
