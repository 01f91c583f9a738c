use rusqlite::Connection;

use super::*;
use crate::schema_tests::{course, database};

/// Publishes a package, of one blob of a byte, that came from a node above.
fn arrive(database: &Connection, package: &str, iri: &str, used_s: i64, peer: Option<&str>) {
    let hash = format!("blob of {package}");
    let sql = "INSERT INTO blob (hash, size, data) VALUES (?1, 1, x'41')";
    database.execute(sql, [&hash]).unwrap();
    let files = format!(r#"[{{"path":"a","hash":"{hash}","media_type":""}}]"#);
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us, peer)
        VALUES (?1, ?2, ?3, ?4, 1, ?5)";
    database.execute(sql, (package, iri, course(iri), files, peer)).unwrap();
    let sql = "UPDATE package SET used_s = ?2 WHERE hash = ?1";
    database.execute(sql, (package, used_s)).unwrap();
}

/// Gives up one after the other, as long as there is any.
fn give_up_all(database: &Connection) -> Vec<String> {
    let mut given_up = Vec::new();
    loop {
        let mut query = database.prepare(NEXT_VICTIM).unwrap();
        let next = query.query_map(["hub:e"], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().next();
        let Some(Ok((package, hash))) = next else { return given_up };
        let (package, hash): (i64, String) = (package, hash);
        database.execute("INSERT INTO giving_up (package) VALUES (?1)", [package]).unwrap();
        given_up.push(hash);
    }
}

#[test]
fn older_versions_go_first_and_then_what_nobody_has_used_for_longest() {
    let database = database();
    arrive(&database, "old version", "https://example.org/a", 900, Some("hub:e"));
    arrive(&database, "a", "https://example.org/a", 800, Some("hub:e"));
    arrive(&database, "b", "https://example.org/b", 100, Some("hub:e"));
    arrive(&database, "c", "https://example.org/c", 500, Some("hub:e"));
    assert_eq!(give_up_all(&database), ["old version", "b", "c", "a"]);
}

#[test]
fn what_nobody_else_has_is_not_given_up() {
    let database = database();
    arrive(&database, "mine", "https://example.org/a", 0, None);
    arrive(&database, "another node's", "https://example.org/b", 0, Some("old hub:e"));
    assert_eq!(give_up_all(&database), [""; 0]);
}

#[test]
fn what_was_used_last_comes_back_if_it_fits() {
    let database = database();
    arrive(&database, "a", "https://example.org/a", 200, Some("hub:e"));
    arrive(&database, "b", "https://example.org/b", 100, Some("hub:e"));
    give_up_all(&database);
    let wanted = || -> Vec<String> {
        let mut query = database.prepare("SELECT hash FROM announced").unwrap();
        let rows = query.query_map((), |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    database.execute(TAKE_BACK, [0]).unwrap();
    assert_eq!(wanted(), [""; 0], "there is no room");
    database.execute(TAKE_BACK, [1]).unwrap();
    assert_eq!(wanted(), ["a"]);
}
