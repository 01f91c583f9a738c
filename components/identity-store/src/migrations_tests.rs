//! What the migrations make of a database of an earlier release.

use rusqlite::Connection;

/// How many migrations there were before the notes went.
const WITH_NOTES: usize = 3;

fn migrated() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    let (earlier, later) = crate::database::DATABASE.migrations.split_at(WITH_NOTES);
    for script in earlier {
        database.execute_batch(script).unwrap();
    }
    let notes = "UPDATE note SET text = 'ee' WHERE name = 'epoch';
        INSERT INTO note (name, text) VALUES
          ('applied:edge:ff', '{\"through\":{\"sequence\":5,\"receipt\":\"r\"}}');";
    database.execute_batch(notes).unwrap();
    for script in later {
        database.execute_batch(script).unwrap();
    }
    database
}

fn text(database: &Connection, sql: &str) -> String {
    database.query_row(sql, (), |row| row.get(0)).unwrap()
}

#[test]
fn a_batch_goes_on_from_where_a_note_was() {
    let database = migrated();
    let sql = "INSERT INTO apply_batch (peer, now_us, text) VALUES ('edge:ff', 5, ?1)";
    let advance = r#"{"of":"peer","node":"edge","epoch":"ff","before":{"through":5,"token":"r"},
        "after":{"through":9,"token":"s"}}"#;
    database.execute(sql, [advance]).unwrap();
    let again = database.execute(sql, [advance]).unwrap_err().to_string();
    assert_eq!(again, "hedgeschool: moved");
    assert_eq!(text(&database, "SELECT through || token FROM peer_position"), "9s");
}

#[test]
fn people_are_written_by_this_copy() {
    let database = migrated();
    let sql = "INSERT INTO put_person
        (name, display_name, role, password_hash, home, removed, now_us, condition)
        VALUES ('ada', 'Ada', 'learner', '', NULL, 0, 7, 'absent')";
    database.execute(sql, ()).unwrap();
    let again = database.execute(sql, ()).unwrap_err().to_string();
    assert_eq!(again, "hedgeschool: precondition");
    assert_eq!(text(&database, "SELECT writer || ' ' || seen FROM person"), r#"ee {"ee":7}"#);
}
