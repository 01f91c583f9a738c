//! What the statements of this store do with its schema.

use hedgeschool_journal::Entry;
use hedgeschool_sql::Value;
use rusqlite::types::Value as Stored;
use rusqlite::{Connection, params_from_iter};

use crate::bindings::types::{Launch, Person, Role};
use crate::entry::PersonEntry;
use crate::launches::{find_sql, open_statement, redeem_sql};
use crate::people::{Condition, put_statement};
use crate::person::{COLUMNS, into_values};

fn database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    for script in crate::database::DATABASE.migrations {
        database.execute_batch(script).unwrap();
    }
    database
}

fn stored(value: Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.into(),
    }
}

fn execute(database: &Connection, statement: (String, Vec<Value>)) -> rusqlite::Result<usize> {
    let (sql, parameters) = statement;
    database.execute(&sql, params_from_iter(parameters.into_iter().map(stored)))
}

fn person(display_name: &str) -> Person {
    Person {
        name: "ada".into(),
        display_name: display_name.into(),
        role: Role::Learner,
        password_hash: "hash".into(),
        home: Some("galway".into()),
    }
}

fn put(database: &Connection, name: &str, is_removed: bool, condition: Condition) -> bool {
    match execute(database, put_statement(person(name), is_removed, 7, condition)) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("hedgeschool: precondition"), "{error}");
            false
        }
    }
}

#[test]
fn a_name_is_added_once_changed_while_it_is_there_and_free_when_removed() {
    let database = database();
    assert!(!put(&database, "Ada", false, Condition::Present));
    assert!(put(&database, "Ada", false, Condition::Absent));
    assert!(!put(&database, "Other", false, Condition::Absent));
    assert!(put(&database, "Ada L.", false, Condition::Present));
    assert!(put(&database, "Ada L.", true, Condition::Present));
    assert!(!put(&database, "Ada L.", true, Condition::Present));
    assert!(put(&database, "Another Ada", false, Condition::Absent));
    let people = "SELECT count(*), min(display_name) FROM person WHERE NOT removed";
    let found = database.query_row(people, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(found, (1, "Another Ada".to_owned()));
}

#[test]
fn a_change_is_one_entry_of_the_journal_and_later_than_the_one_before() {
    let database = database();
    assert!(put(&database, "Ada", false, Condition::Absent));
    // By a clock that stands still.
    assert!(put(&database, "Ada L.", false, Condition::Present));
    let sql = "SELECT payload FROM entry WHERE kind = 'person'";
    let mut entries = database.prepare(sql).unwrap();
    let entries = entries.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let entries: Vec<_> = entries.collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 1, "only the last version travels");
    let entry: serde_json::Value = serde_json::from_str(&entries[0]).unwrap();
    assert_eq!(entry["display_name"], "Ada L.");
    assert_eq!(entry["stamp"], 8);
}

fn columns(database: &Connection) -> Vec<Stored> {
    let sql = format!("SELECT {COLUMNS} FROM person");
    let count = COLUMNS.split(',').count();
    database.query_row(&sql, (), |row| (0..count).map(|index| row.get(index)).collect()).unwrap()
}

/// A column that one of the procedures or views leaves out is noticed here.
#[test]
fn all_that_is_stored_of_a_person_travels_and_arrives() {
    let (here, there) = (database(), database());
    assert!(put(&here, "Ada", false, Condition::Absent));
    let expected: Vec<_> = into_values(person("Ada")).into_iter().map(stored).collect();
    assert_eq!(columns(&here), expected);
    let sql = "SELECT payload FROM entry";
    let payload = here.query_row(sql, (), |row| row.get(0)).unwrap();
    let entry = Entry { sequence: 1, kind: "person".into(), payload };
    let arriving = PersonEntry::parse(&entry).unwrap();
    let sql = "INSERT INTO apply_batch (peer, now_us, person) VALUES ('here:e', 1, ?1)";
    there.execute(sql, [serde_json::to_string(&arriving).unwrap()]).unwrap();
    assert_eq!(columns(&there), expected);
    let back: Vec<_> = into_values(arriving.into_person()).into_iter().map(stored).collect();
    assert_eq!(back, expected);
}

/// When a launch ends, in milliseconds: far off, or it would be taken for an old one and removed.
const END_MS: i64 = 4_000_000_000_000;

fn launch() -> Launch {
    Launch {
        registration: "r".into(),
        session: "s".into(),
        learner: "ada".into(),
        activity: "a".into(),
        expires: END_MS,
    }
}

/// Whose launch a statement finds.
fn learner(database: &Connection, sql: &str, parameters: &[(&str, i64)]) -> Option<String> {
    let mut statement = database.prepare(sql).unwrap();
    let parameters = parameters.iter().map(|(text, number)| match *text {
        "" => Stored::Integer(*number),
        text => Stored::Text(text.to_owned()),
    });
    let mut rows = statement.query(params_from_iter(parameters)).unwrap();
    rows.next().unwrap().map(|row| row.get("learner").unwrap())
}

#[test]
fn a_fetch_token_is_redeemed_once_and_its_bearer_lasts_as_long_as_the_launch() {
    let database = database();
    execute(&database, open_statement(launch(), "fetch".into())).unwrap();
    let redeem = |bearer: &str, now| {
        learner(&database, &redeem_sql(), &[("fetch", 0), (bearer, 0), ("", now)])
    };
    let find = |bearer: &str, now| learner(&database, &find_sql(), &[(bearer, 0), ("", now)]);
    assert_eq!(find("bearer", 0), None);
    assert_eq!(redeem("bearer", END_MS), None, "it has ended");
    assert_eq!(redeem("bearer", END_MS - 1).as_deref(), Some("ada"));
    assert_eq!(redeem("other", END_MS - 1), None, "it was used");
    assert_eq!(find("bearer", END_MS - 1).as_deref(), Some("ada"));
    assert_eq!(find("bearer", END_MS), None);
    assert_eq!(find("other", 0), None);
    assert_eq!(find("fetch", 0), None, "a fetch token is no bearer");
}
