//! What the procedures of the schema do when others run in between.

use rusqlite::Connection;

const A: &str = "aaaa";
const B: &str = "bbbb";

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    for script in crate::DATABASE.migrations {
        database.execute_batch(script).unwrap();
    }
    database
}

fn course(iri: &str) -> String {
    format!(r#"{{"id":"{iri}","title":"T","description":"","units":[]}}"#)
}

fn announce(database: &Connection, package: &str, iri: &str, stamp: i64) {
    let entry = format!(
        r#"{{"package":"{package}","course":{},"files":[],"size":0,"stamp":{stamp}}}"#,
        course(iri)
    );
    let sql = "INSERT INTO apply_batch (entry, peer) VALUES (?1, 'hub:e')";
    database.execute(sql, [entry]).unwrap();
}

fn publish(database: &Connection, package: &str, iri: &str, stamp: i64) {
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us, peer)
        VALUES (?1, ?1, ?2, '[]', ?3, 'hub:e')";
    database.execute(sql, (package, course(iri), stamp)).unwrap();
}

fn announced(database: &Connection) -> Vec<(String, i64)> {
    let mut query = database.prepare("SELECT hash, stamp_us FROM announced").unwrap();
    let rows = query.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_is_announced_again_while_it_is_published_stays_announced() {
    let database = database();
    announce(&database, A, "https://example.org/a", 1);
    announce(&database, A, "https://example.org/a", 2);
    publish(&database, A, "https://example.org/a", 1);
    assert_eq!(announced(&database), [(A.to_owned(), 2)]);
    publish(&database, A, "https://example.org/a", 2);
    assert_eq!(announced(&database), []);
}

#[test]
fn publishing_one_leaves_another_that_is_announced() {
    let database = database();
    announce(&database, A, "https://example.org/a", 1);
    publish(&database, A, "https://example.org/a", 1);
    // It has the number that the first one had.
    announce(&database, B, "https://example.org/b", 1);
    publish(&database, A, "https://example.org/a", 1);
    assert_eq!(announced(&database), [(B.to_owned(), 1)]);
}
