//! What the migrations make of a database of an earlier release.

use rusqlite::Connection;

/// How many migrations release 0.1.0 and those before the notes went had.
const WITH_NOTES: usize = 4;

/// A database with these notes, brought from an earlier release here.
fn migrated(notes: &[(&str, &str)]) -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let (earlier, later) = crate::database::DATABASE.migrations.split_at(WITH_NOTES);
    for script in earlier {
        database.execute_batch(script).unwrap();
    }
    for note in notes {
        let sql = "INSERT INTO note (name, text) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET text = excluded.text";
        database.execute(sql, *note).unwrap();
    }
    for script in later {
        database.execute_batch(script).unwrap();
    }
    database
}

fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map((), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_the_node_knew_goes_on() {
    let upstream = r#"{"url":"http://hub:1","node":"hub","journals":{}}"#;
    let database = migrated(&[
        ("upstream", upstream),
        ("below:edge", r#"{"serves":["leaf"],"heard":5}"#),
        ("redis", r#"{"at":5,"problem":"it is gone"}"#),
        ("day 3", r#"{"day":10,"samples":[]}"#),
        ("trace 12", "00-4bf9-b7ad-01 0d1c2b3a"),
        ("applied:edge:ee", r#"{"through":{"sequence":5,"receipt":"r"}}"#),
    ]);
    assert_eq!(
        rows(&database, "SELECT url || ' ' || state FROM upstream"),
        [format!("http://hub:1 {upstream}")]
    );
    let sql = "SELECT node || ' ' || report FROM peer_report";
    assert_eq!(rows(&database, sql), [r#"edge {"serves":["leaf"],"heard":5}"#]);
    let sql = "SELECT at_us || ' ' || problem FROM redis_problem";
    assert_eq!(rows(&database, sql), ["5 it is gone"]);
    let sql = "SELECT place || ' ' || samples FROM history_day";
    assert_eq!(rows(&database, sql), [r#"3 {"day":10,"samples":[]}"#]);
    let sql = "SELECT concat_ws(' ', slot, parent, statement) FROM trace";
    assert_eq!(rows(&database, sql), ["12 00-4bf9-b7ad-01 0d1c2b3a"]);
    assert_eq!(rows(&database, "SELECT node FROM peer_position"), ["edge"]);
    assert_eq!(rows(&database, "SELECT name FROM unread_note"), [""; 0]);
}

#[test]
fn what_is_learnt_again_and_cannot_be_read_is_gone() {
    let database = migrated(&[("below:edge", "{"), ("day 3", "[]"), ("upstream", "{}")]);
    for table in ["unread_note", "peer_report", "history_day", "upstream"] {
        assert_eq!(rows(&database, &format!("SELECT 'one' FROM {table}")), [""; 0], "{table}");
    }
}

#[test]
fn a_batch_advances_and_documents_are_written_by_this_copy() {
    let database = migrated(&[("epoch", "ee")]);
    let sql = "INSERT INTO store_batch (now_us, peer, definitions, personas, text)
        VALUES (5, 'edge:ff', '[]', '[]', ?1)";
    let advance = r#"{"of":"peer","node":"edge","epoch":"ff","before":null,
        "after":{"through":5,"token":"r"}}"#;
    database.execute(sql, [advance]).unwrap();
    let again = database.execute(sql, [advance]).unwrap_err().to_string();
    assert_eq!(again, "hedgeschool: moved");
    assert_eq!(rows(&database, "SELECT node FROM peer_position"), ["edge"]);
    let sql = "INSERT INTO put_document
        (kind, agent, activity, registration, id, media_type, content, etag, now_us, condition)
        VALUES ('state', 'ada', 'a', '', 'bookmark', 'text/plain', x'41', 'e', 7, 'none')";
    database.execute(sql, ()).unwrap();
    let sql = "SELECT writer || ' ' || seen FROM document";
    assert_eq!(rows(&database, sql), [r#"ee {"ee":7}"#]);
}
