//! Random statements give the results of one plain SQLite connection.

use futures::future::join_all;
use hedge_sqlite::{Connection, Database, Value};
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::types::Value as Plain;

/// What one statement did, in terms that both sides have.
#[derive(Debug, PartialEq)]
struct Seen {
    result: Result<Vec<Vec<Value>>, String>,
    last_insert_rowid: i64,
    changes: u64,
}

const SCHEMA: [&str; 5] = [
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, w CHECK (w < 9))",
    "CREATE TABLE child (t_id REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE log (id INTEGER PRIMARY KEY, what)",
    "CREATE TRIGGER added AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES (NEW.v); END",
    "CREATE TRIGGER refused BEFORE DELETE ON t WHEN OLD.id = 3 BEGIN SELECT RAISE(FAIL, 'no'); END",
];

/// Statements that write, on so few values that they often collide.
fn any_write() -> impl Strategy<Value = String> {
    let way = select(vec!["", "OR ABORT", "OR FAIL", "OR IGNORE", "OR REPLACE", "OR ROLLBACK"]);
    (0..9_u8, way, 0..6_i64, 0..6_i64, 0..11_i64).prop_map(|(kind, way, id, v, w)| match kind {
        0 | 1 => format!("INSERT {way} INTO t VALUES ({id}, {v}, {w})"),
        2 => format!("INSERT {way} INTO t (v, w) VALUES ({v}, {w}), ({w}, {v}), ({id}, {w})"),
        3 => format!("UPDATE {way} t SET v = v + {id} WHERE id >= {v}"),
        4 => format!("DELETE FROM t WHERE id IN ({id}, {v}) RETURNING id, v"),
        5 => format!("INSERT {way} INTO child VALUES ({id})"),
        6 => format!("DELETE FROM child WHERE t_id = {id}"),
        7 => format!(
            "INSERT INTO t VALUES ({id}, {v}, {w}) ON CONFLICT DO UPDATE SET w = 1 RETURNING *"
        ),
        _ => "INSERT INTO log (what) VALUES (last_insert_rowid() || ',' || changes())".to_owned(),
    })
}

fn any_statement() -> impl Strategy<Value = String> {
    let fixed = select(vec![
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "RELEASE s",
        "ROLLBACK TO s",
        "SELECT * FROM t ORDER BY id",
        "SELECT what FROM log ORDER BY id",
        "SELECT last_insert_rowid(), changes()",
        "SELECT nothing FROM nowhere",
        "WITH n AS (SELECT 4 AS v) INSERT INTO t (v) SELECT v FROM n",
        "WITH n AS (SELECT max(v) AS v FROM t) SELECT v FROM n",
        "PRAGMA user_version=7",
        "PRAGMA user_version",
        "CREATE TABLE IF NOT EXISTS extra (v)",
        "DROP TABLE IF EXISTS extra",
    ])
    .prop_map(str::to_owned);
    prop_oneof![2 => any_write(), 1 => fixed]
}

fn run_plain(connection: &rusqlite::Connection, sql: &str) -> Seen {
    let rows = || -> rusqlite::Result<Vec<Vec<Value>>> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query(())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let columns = row.as_ref().column_count();
            all.push((0..columns).map(|i| row.get(i).map(to_value)).collect::<Result<_, _>>()?);
        }
        Ok(all)
    };
    Seen {
        result: rows().map_err(|error| match error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message,
            rusqlite::Error::SqlInputError { msg, .. } => msg,
            other => other.to_string(),
        }),
        last_insert_rowid: connection.last_insert_rowid(),
        changes: connection.changes(),
    }
}

fn to_value(plain: Plain) -> Value {
    match plain {
        Plain::Null => Value::Null,
        Plain::Integer(number) => Value::Integer(number),
        Plain::Real(number) => Value::Real(number),
        Plain::Text(text) => Value::Text(text),
        Plain::Blob(bytes) => Value::Blob(bytes),
    }
}

async fn run_ours(guest: &Connection, sql: &str) -> Seen {
    let result = guest.execute(sql.into(), vec![]).await;
    Seen {
        result: result.map(|rows| rows.rows).map_err(|error| error.to_string()),
        last_insert_rowid: guest.last_insert_rowid(),
        changes: guest.changes(),
    }
}

async fn create_schema(database: &Database, plain: &rusqlite::Connection) {
    for sql in SCHEMA {
        assert!(run_ours(&database.connect(), sql).await.result.is_ok(), "{sql}");
        plain.execute_batch(sql).unwrap();
    }
}

fn check_all(statements: impl Strategy<Value = String>, test: impl Fn(&[String], Database)) {
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(150) });
    let folder = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    let result = runner.run(&proptest::collection::vec(statements, 1..60), |statements| {
        number.set(number.get() + 1);
        let path = folder.path().join(format!("{}.db", number.get()));
        test(&statements, Database::open(&path).unwrap());
        Ok(())
    });
    result.unwrap();
}

fn new_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn one_guest_after_another_statement_sees_what_a_plain_connection_shows() {
    let runtime = new_runtime();
    check_all(any_statement(), |statements, database| {
        runtime.block_on(async {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            create_schema(&database, &connection).await;
            let guest = database.connect();
            for sql in statements {
                // The schema's own statements have left no mark on a guest that is new.
                assert_eq!(run_ours(&guest, sql).await, run_plain(&connection, sql), "{sql}");
            }
        });
    });
}

#[test]
fn statements_that_share_commits_do_what_they_would_do_one_by_one() {
    let runtime = new_runtime();
    check_all(
        any_write().prop_filter("one session", |sql| !sql.contains("changes()")),
        |statements, database| {
            runtime.block_on(async {
                let connection = rusqlite::Connection::open_in_memory().unwrap();
                create_schema(&database, &connection).await;
                let guest = database.connect();
                // Polled in order, so queued in order.
                let results = join_all(statements.iter().map(|sql| run_ours(&guest, sql))).await;
                for (sql, seen) in statements.iter().zip(results) {
                    assert_eq!(seen.result, run_plain(&connection, sql).result, "{sql}");
                }
                for sql in ["SELECT * FROM t", "SELECT * FROM child", "SELECT * FROM log"] {
                    assert_eq!(
                        run_ours(&guest, sql).await.result,
                        run_plain(&connection, sql).result
                    );
                }
            });
        },
    );
}
