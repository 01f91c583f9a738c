use rusqlite::Connection;

use super::*;
use crate::schema_tests::{begin, database};

/// Whether `importer` has an upload after it has asked for it.
fn claim(database: &Connection, id: &str, importer: &str) -> bool {
    database.execute(CLAIM, (id, importer, 0, 0, LEASE_S, IMPORTS_MAX)).unwrap();
    let sql = "SELECT importer FROM upload WHERE id = ?1";
    let known: Option<String> = database.query_row(sql, [id], |row| row.get(0)).unwrap();
    known.as_deref() == Some(importer)
}

#[test]
fn one_at_a_time_imports_an_upload() {
    let database = database();
    begin(&database, "u");
    assert!(claim(&database, "u", "one"));
    assert!(!claim(&database, "u", "other"), "it is being imported");
    assert!(claim(&database, "u", "one"), "who says again that they do goes on");
    database.execute("UPDATE upload SET leased_s = unixepoch() - 1", ()).unwrap();
    assert!(claim(&database, "u", "other"), "the first one was not heard of for long");
    assert!(!claim(&database, "u", "one"));
}

#[test]
fn what_was_discarded_is_not_imported() {
    let database = database();
    begin(&database, "u");
    database.execute("UPDATE upload SET is_discarded = 1", ()).unwrap();
    assert!(!claim(&database, "u", "one"));
}

#[test]
fn the_third_import_waits_until_one_of_the_others_is_over() {
    let database = database();
    for id in ["a", "b", "c", "d"] {
        begin(&database, id);
    }
    assert!(claim(&database, "a", "one") && claim(&database, "b", "two"));
    assert!(!claim(&database, "c", "three"));
    assert!(claim(&database, "a", "one"), "who imports already is not in its own way");
    database.execute("UPDATE upload SET is_discarded = 1 WHERE id = 'a'", ()).unwrap();
    assert!(claim(&database, "c", "three"), "one is over");
    database.execute("UPDATE upload SET importer = NULL, leased_s = 0 WHERE id = 'b'", ()).unwrap();
    assert!(claim(&database, "d", "four"), "one was released");
    database.execute("UPDATE upload SET leased_s = unixepoch() - 1", ()).unwrap();
    assert!(claim(&database, "b", "five"), "the others were not heard of for long");
    assert!(claim(&database, "c", "three"), "and go on, since nobody has taken theirs");
}
