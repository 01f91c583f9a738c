//! What a guest may not do, and what it may although it looks alike.

use hedge_sqlite::{Database, Error, Value};

use crate::{open, read_number, run};

#[tokio::test]
async fn nothing_reaches_another_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    let file = folder.path().join("other.db");
    for sql in ["ATTACH '{}' AS other", "/* */ attach '{}' AS other", "VACUUM INTO '{}'"] {
        for transaction in [false, true] {
            if transaction {
                run(&guest, "BEGIN").await.unwrap();
            }
            let sql = sql.replace("{}", file.to_str().unwrap());
            let error = run(&guest, &sql).await.unwrap_err();
            assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
            if transaction {
                run(&guest, "ROLLBACK").await.unwrap();
            }
        }
    }
    assert!(!file.exists());
    assert!(run(&guest, "SELECT load_extension('x')").await.is_err());
}

#[tokio::test]
async fn a_string_is_one_statement() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (v)").await.unwrap();
    for sql in [
        "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)",
        "SELECT 1; DELETE FROM t",
        "SELECT 1; PRAGMA synchronous=OFF",
        "INSERT INTO t VALUES (1); COMMIT",
    ] {
        let error = run(&guest, sql).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
    }
    assert_eq!(read_number(&guest, "SELECT count(*) FROM t").await, 0);
    let trigger = "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END; -- one";
    run(&guest, trigger).await.unwrap();
    run(&guest, "SELECT 1; /* and nothing */ ;").await.unwrap();
}

#[tokio::test]
async fn durability_is_not_negotiable() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    for sql in [
        "PRAGMA synchronous=OFF",
        "PRAGMA main.synchronous(NORMAL)",
        "PRAGMA \"synchronous\" = 'off'",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA journal_mode='memory'",
        "PRAGMA foreign_keys=OFF",
        "PRAGMA writable_schema=ON",
        "PRAGMA query_only=OFF",
        "PRAGMA no_such_pragma",
    ] {
        let error = run(&guest, sql).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
    }
    // Some PRAGMAs act when they are prepared, and EXPLAIN prepares them.
    assert!(run(&guest, "EXPLAIN PRAGMA synchronous=OFF").await.is_err());
    assert!(run(&guest, "EXPLAIN PRAGMA foreign_keys=OFF").await.is_err());
    run(&guest, "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    run(&guest, "CREATE TABLE child (v REFERENCES t (v))").await.unwrap();
    assert!(run(&guest, "INSERT INTO child VALUES (1)").await.is_err());
}

#[tokio::test]
async fn what_the_host_guarantees_may_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    for (sql, answer) in [
        ("PRAGMA journal_mode=WAL", Some(Value::Text("wal".into()))),
        ("PRAGMA main.journal_mode", Some(Value::Text("wal".into()))),
        ("PRAGMA synchronous=FULL", None),
        ("PRAGMA synchronous", Some(Value::Integer(2))),
        ("PRAGMA foreign_keys=on;", None),
        ("PRAGMA foreign_keys", Some(Value::Integer(1))),
        ("PRAGMA busy_timeout = 100", Some(Value::Integer(100))),
        ("PRAGMA cache_size = -4000", None),
    ] {
        let rows = run(&guest, sql).await.unwrap();
        assert_eq!(rows.rows, answer.map_or(vec![], |value| vec![vec![value]]), "{sql}");
    }
}

#[tokio::test]
async fn a_guests_pragmas_that_concern_the_database_work() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await.unwrap();
    run(&guest, "PRAGMA user_version = 7").await.unwrap();
    assert_eq!(read_number(&guest, "PRAGMA user_version").await, 7);
    run(&guest, "PRAGMA application_id(9)").await.unwrap();
    assert_eq!(read_number(&guest, "PRAGMA application_id").await, 9);
    assert_eq!(run(&guest, "PRAGMA table_info(t)").await.unwrap().rows.len(), 2);
    assert_eq!(read_number(&guest, "SELECT count(*) FROM pragma_table_info('t')").await, 2);
    let check = run(&guest, "PRAGMA integrity_check").await.unwrap();
    assert_eq!(check.rows, [[Value::Text("ok".into())]]);
    assert_eq!(read_number(&guest, "PRAGMA wal_checkpoint(TRUNCATE)").await, 0);
    for sql in ["PRAGMA optimize", "ANALYZE", "VACUUM", "REINDEX", "PRAGMA incremental_vacuum(1)"] {
        run(&guest, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn nothing_is_left_on_a_shared_connection() {
    let folder = tempfile::tempdir().unwrap();
    for database in [open(&folder), Database::open_in_memory().unwrap()] {
        let guest = database.connect();
        for sql in
            ["CREATE TEMP TABLE x (v)", "CREATE TABLE temp.x (v)", "CREATE TEMP VIEW x AS SELECT 1"]
        {
            let error = run(&guest, sql).await.unwrap_err();
            assert!(matches!(error, Error::Refused(_)), "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn explain_and_full_text_search_work() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE VIRTUAL TABLE f USING fts5(body)").await.unwrap();
    run(&guest, "INSERT INTO f VALUES ('the hedge school')").await.unwrap();
    assert_eq!(read_number(&guest, "SELECT count(*) FROM f WHERE f MATCH 'hedge'").await, 1);
    run(&guest, "INSERT INTO f(f) VALUES ('optimize')").await.unwrap();
    let plan = run(&guest, "EXPLAIN QUERY PLAN INSERT INTO f VALUES ('x')").await;
    plan.unwrap();
    run(&guest, "EXPLAIN DELETE FROM f").await.unwrap();
    assert_eq!(read_number(&guest, "SELECT count(*) FROM f").await, 1);
}
