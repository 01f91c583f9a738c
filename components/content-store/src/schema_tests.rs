//! What the procedures of the schema do when others run in between; and, for the tests of other
//! modules, a database with that schema.

use rusqlite::Connection;

const A: &str = "aaaa";
const B: &str = "bbbb";

pub fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    for script in crate::database::DATABASE.migrations {
        database.execute_batch(script).unwrap();
    }
    database
}

pub fn course(iri: &str) -> String {
    format!(r#"{{"id":"{iri}","title":"T","description":"","units":[]}}"#)
}

pub fn announce(database: &Connection, package: &str, iri: &str, stamp: i64) {
    let entry = format!(
        r#"{{"package":"{package}","course":{},"files":[],"size":0,"stamp":{stamp}}}"#,
        course(iri)
    );
    let sql = "INSERT INTO apply_batch (entry, peer) VALUES (?1, 'hub:e')";
    database.execute(sql, [entry]).unwrap();
}

pub fn publish(database: &Connection, package: &str, iri: &str, stamp: i64) {
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us, peer)
        VALUES (?1, ?1, ?2, '[]', ?3, 'hub:e')";
    database.execute(sql, (package, course(iri), stamp)).unwrap();
}

pub fn announced(database: &Connection) -> Vec<(String, i64)> {
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

pub fn begin(database: &Connection, id: &str) -> i64 {
    let sql = "INSERT INTO upload (id, name, kept_s) VALUES (?1, '', 60) RETURNING number";
    database.query_row(sql, [id], |row| row.get(0)).unwrap()
}

fn append(database: &Connection, id: &str, start: i64, data: &[u8]) -> i64 {
    let sql = "INSERT INTO appending (id, start, data) VALUES (?1, ?2, ?3)";
    database.execute(sql, (id, start, data)).unwrap();
    database.query_row("SELECT length FROM upload WHERE id = ?1", [id], |row| row.get(0)).unwrap()
}

fn store(database: &Connection, upload: &str, hash: &str) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO storing_for (id, hash, size, data) VALUES (?1, ?2, 1, x'41')";
    database.execute(sql, (upload, hash))
}

fn join(database: &Connection, upload: &str, hash: &str, parts: &str) {
    let sql = "INSERT INTO joining_for (id, hash, size, parts, key) VALUES (?1, ?2, 2, ?3, '')";
    database.execute(sql, (upload, hash, parts)).unwrap();
}

fn forget(database: &Connection, upload: i64) {
    database.execute("INSERT INTO forgetting (upload) VALUES (?1)", [upload]).unwrap();
    database.execute("INSERT INTO sweeping (first, last) VALUES (0, 1000)", ()).unwrap();
}

fn blobs(database: &Connection) -> Vec<String> {
    let mut query = database.prepare("SELECT hash FROM blob ORDER BY hash").unwrap();
    let rows = query.query_map((), |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn only_what_follows_is_appended() {
    let database = database();
    begin(&database, "u");
    assert_eq!(append(&database, "u", 0, b"abc"), 3);
    assert_eq!(append(&database, "u", 0, b"abc"), 3);
    assert_eq!(append(&database, "u", 4, b"x"), 3);
    assert_eq!(append(&database, "u", 3, b"de"), 5);
    database.execute("UPDATE upload SET is_discarded = 1", ()).unwrap();
    assert_eq!(append(&database, "u", 5, b"x"), 5);
}

#[test]
fn what_was_stored_for_an_upload_goes_with_it() {
    let database = database();
    let upload = begin(&database, "u");
    for hash in ["1", "2", "3"] {
        store(&database, "u", hash).unwrap();
    }
    join(&database, "u", "12", r#"["1", "2"]"#);
    forget(&database, upload);
    assert_eq!(blobs(&database), [""; 0]);
    assert!(store(&database, "another", "1").is_err(), "for no upload");
}

#[test]
fn what_a_package_or_another_upload_needs_stays() {
    let database = database();
    let (first, second) = (begin(&database, "u"), begin(&database, "v"));
    for hash in ["1", "2", "3", "4", "5"] {
        store(&database, "u", hash).unwrap();
    }
    join(&database, "u", "12", r#"["1", "2"]"#);
    join(&database, "u", "34", r#"["3", "4"]"#);
    for hash in ["3", "4"] {
        store(&database, "v", hash).unwrap();
    }
    join(&database, "v", "34", r#"["3", "4"]"#);
    let files = r#"[{"path":"a","hash":"12","media_type":""}]"#;
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us)
        VALUES ('p', 'k', ?1, ?2, 1)";
    database.execute(sql, (course("https://example.org/a"), files)).unwrap();
    forget(&database, first);
    assert_eq!(blobs(&database), ["1", "12", "2", "3", "34", "4"]);
    forget(&database, second);
    assert_eq!(blobs(&database), ["1", "12", "2"]);
}

#[test]
fn what_is_given_up_stays_while_an_import_needs_it() {
    let database = database();
    let upload = begin(&database, "u");
    for hash in ["1", "2"] {
        store(&database, "u", hash).unwrap();
    }
    join(&database, "u", "12", r#"["1", "2"]"#);
    let files = r#"[{"path":"a","hash":"12","media_type":""}]"#;
    let sql = "INSERT INTO publishing (package, key, course, files, stamp_us, peer)
        VALUES ('p', 'k', ?1, ?2, 1, 'hub:e')";
    database.execute(sql, (course("https://example.org/a"), files)).unwrap();
    database.execute("INSERT INTO giving_up (package) SELECT id FROM package", ()).unwrap();
    database.execute("INSERT INTO sweeping (first, last) VALUES (0, 1000)", ()).unwrap();
    assert_eq!(blobs(&database), ["1", "12", "2"]);
    forget(&database, upload);
    assert_eq!(blobs(&database), [""; 0]);
}

fn whole(database: &Connection) -> Option<String> {
    let mut query = database.prepare(crate::arrivals::FIRST_WHOLE).unwrap();
    query.query_map((), |row| row.get(0)).unwrap().next().transpose().unwrap()
}

fn announce_pieces(database: &Connection, package: &str, pieces: &[&str]) {
    let pieces: Vec<_> = pieces.iter().map(|hash| format!(r#"["{hash}",1]"#)).collect();
    let entry = format!(
        r#"{{"package":"{package}","course":{},"size":9,"stamp":1,"files":[
            {{"path":"p","hash":"h","media_type":"","pieces":[{}]}}]}}"#,
        course(&format!("https://example.org/{package}")),
        pieces.join(",")
    );
    let sql = "INSERT INTO apply_batch (entry, peer) VALUES (?1, 'hub:e')";
    database.execute(sql, [entry]).unwrap();
}

#[test]
fn a_package_is_whole_once_every_piece_of_it_is_here() {
    let database = database();
    begin(&database, "u");
    store(&database, "u", "1").unwrap();
    announce_pieces(&database, A, &["1", "2", "3"]);
    announce_pieces(&database, B, &["1"]);
    let receive = |hash: &str, start: Option<i64>| {
        let sql = "INSERT INTO received (hash, start, data) VALUES (?1, ?2, x'41')";
        database.execute(sql, (hash, start)).unwrap();
    };
    assert_eq!(whole(&database).as_deref(), Some(B), "what is here already is not waited for");
    database.execute("DELETE FROM announced WHERE hash = ?1", [B]).unwrap();
    receive("2", None);
    assert_eq!(whole(&database), None);
    receive("3", Some(0));
    assert_eq!(whole(&database), None, "the beginning of a piece is no piece");
    receive("3", None);
    assert_eq!(whole(&database).as_deref(), Some(A));
}

proptest::proptest! {
    /// Whatever the clock says: what is published here stands, and is later than what stood.
    #[test]
    fn what_is_published_here_comes_after_what_is_here(
        stamps in proptest::collection::vec(0i64..9, 1..9),
    ) {
        let database = database();
        let current = || -> (String, i64) {
            let sql = "SELECT hash, stamp_us
                FROM course JOIN package ON package.id = course.package";
            database.query_row(sql, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
        };
        let mut last = i64::MIN;
        for (number, stamp) in stamps.into_iter().enumerate() {
            let package = format!("p{number}");
            let sql = "INSERT INTO publishing (package, key, course, files, stamp_us)
                VALUES (?1, 'k', ?2, '[]', ?3)";
            database.execute(sql, (&package, course("https://example.org/a"), stamp)).unwrap();
            let (standing, stamp) = current();
            proptest::prop_assert_eq!(&standing, &package);
            proptest::prop_assert!(stamp > last, "a clock that went back makes no earlier version");
            last = stamp;
        }
    }
}

#[test]
fn a_batch_goes_on_from_where_a_note_was() {
    let database = Connection::open_in_memory().unwrap();
    let (earlier, later) = crate::database::DATABASE.migrations.split_at(4);
    for script in earlier {
        database.execute_batch(script).unwrap();
    }
    let note = r#"{"epoch":"u","through":3,"receipt":"t"}"#;
    let sql = "INSERT INTO note (name, text) VALUES ('above:http://hub feed:ee', ?1)";
    database.execute(sql, [note]).unwrap();
    for script in later {
        database.execute_batch(script).unwrap();
    }
    let sql = "INSERT INTO apply_batch (entry, peer, text) VALUES (NULL, 'hub:u', ?1)";
    let advance = r#"{"of":"cursor","upstream":"http://hub","epoch":"ee",
        "before":{"epoch":"u","through":3,"token":"t"},
        "after":{"epoch":"u","through":9,"token":"s"}}"#;
    database.execute(sql, [advance]).unwrap();
    let again = database.execute(sql, [advance]).unwrap_err().to_string();
    assert_eq!(again, "hedgeschool: moved");
}
