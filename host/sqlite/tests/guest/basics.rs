//! Values, sessions, errors, limits, opening and closing.

use hedge_sqlite::{Database, Error, Options, Rows, Value};

use crate::{open, read_number, run};

#[tokio::test]
async fn every_kind_of_value_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for database in [open(&folder), Database::open_in_memory().unwrap()] {
        let guest = database.connect();
        let values = vec![
            Value::Integer(i64::MIN),
            Value::Real(0.1),
            Value::Text("hé\0dge".into()),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];
        let rows = guest.execute("SELECT ? AS a, ?, ?, ?, ?".into(), values.clone()).await.unwrap();
        assert_eq!(rows.rows, vec![values]);
        assert_eq!(rows.columns[0], "a");
    }
}

#[tokio::test]
async fn rowid_and_changes_are_the_guests_own() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE)").await.unwrap();
    assert_eq!((one.last_insert_rowid(), one.changes()), (0, 0));
    run(&one, "INSERT INTO t VALUES (7, 'a')").await.unwrap();
    run(&two, "INSERT INTO t VALUES (8, 'b'), (9, 'c')").await.unwrap();
    assert_eq!((one.last_insert_rowid(), one.changes()), (7, 1));
    assert_eq!((two.last_insert_rowid(), two.changes()), (9, 2));
    let upsert = "INSERT INTO t VALUES (10, 'c') ON CONFLICT (v) DO UPDATE SET v = 'd'";
    run(&one, upsert).await.unwrap();
    assert_eq!((one.last_insert_rowid(), one.changes()), (7, 1));
    assert_eq!(read_number(&one, "SELECT last_insert_rowid()").await, 7);
    assert_eq!(read_number(&two, "SELECT changes()").await, 2);
    run(&two, "INSERT INTO t SELECT last_insert_rowid() + 11, 'e'").await.unwrap();
    assert_eq!(two.last_insert_rowid(), 20);
}

#[tokio::test]
async fn the_state_of_a_guest_is_not_another_guests() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (id INTEGER PRIMARY KEY)").await.unwrap();
    run(&guest, "WITH n AS (SELECT 5 AS id) INSERT INTO t SELECT id FROM n").await.unwrap();
    assert_eq!((guest.last_insert_rowid(), guest.changes()), (5, 1));
    assert_eq!(read_number(&guest, "WITH n AS (SELECT id FROM t) SELECT id FROM n").await, 5);
    let rows =
        run(&guest, "INSERT INTO t VALUES (6), (7) RETURNING id * 2 AS twice").await.unwrap();
    assert_eq!(rows.columns, ["twice"]);
    assert_eq!(rows.rows, [[Value::Integer(12)], [Value::Integer(14)]]);
}

#[tokio::test]
async fn a_bad_path_fails_at_open() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("text");
    std::fs::write(&file, "this is not a database, is it?").unwrap();
    for path in [file.as_path(), &file.join("below.db"), folder.path()] {
        assert!(matches!(Database::open(path), Err(Error::Open { .. })), "{path:?}");
    }
}

#[tokio::test]
async fn sqlite_speaks_for_itself() {
    let database = Database::open_in_memory().unwrap();
    let guest = database.connect();
    let say = async |sql: &str| run(&guest, sql).await.unwrap_err().to_string();
    assert_eq!(say("SELECT * FROM nowhere").await, "no such table: nowhere");
    assert_eq!(say("SELEC").await, "near \"SELEC\": syntax error");
    assert_eq!(say("COMMIT").await, "cannot commit - no transaction is active");
    run(&guest, "CREATE TABLE t (id INTEGER PRIMARY KEY)").await.unwrap();
    run(&guest, "INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!(say("INSERT INTO t VALUES (1)").await, "UNIQUE constraint failed: t.id");
    assert_eq!(run(&guest, " ; -- nothing").await.unwrap(), Rows::default());
}

#[tokio::test]
async fn a_closed_database_says_so_and_leaves_no_wal() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (id)").await.unwrap();
    assert_eq!(read_number(&guest, "SELECT count(*) FROM t").await, 0);
    database.close().await;
    assert_eq!(run(&guest, "SELECT 1").await, Err(Error::Closed));
    assert_eq!(run(&guest, "INSERT INTO t VALUES (1)").await, Err(Error::Closed));
    assert!(!folder.path().join("deep/er/test.db-wal").exists());
    assert_eq!(read_number(&open(&folder).connect(), "SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn options_bound_what_goes_in_and_out() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { result_bytes_max: 10_000, request_bytes_max: 5_000, ..Options::default() };
    let database = Database::open_with(&folder.path().join("t.db"), options).unwrap();
    let guest = database.connect();
    let large = vec![Value::Blob(vec![0; 5_000])];
    assert!(matches!(guest.execute("SELECT ?".into(), large).await, Err(Error::TooLarge { .. })));
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    assert!(matches!(run(&guest, many).await, Err(Error::TooLarge { .. })));
    run(&guest, "CREATE TABLE t (v)").await.unwrap();
    let write = "INSERT INTO t SELECT zeroblob(4000) FROM (VALUES (1), (2), (3)) RETURNING v";
    assert!(matches!(run(&guest, write).await, Err(Error::TooLarge { .. })));
    assert_eq!(read_number(&guest, "SELECT count(*) FROM t").await, 0, "the write was undone");
}

/// Larger than the writer's cache, and than what SQLite's file system layer writes at once.
#[tokio::test]
async fn a_statement_that_changes_much_is_done_or_undone() {
    let folder = tempfile::tempdir().unwrap();
    let guest = open(&folder).connect();
    run(&guest, "CREATE TABLE t (k INTEGER PRIMARY KEY, v UNIQUE, filler)").await.unwrap();
    let fill = "WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 12000)
        INSERT INTO t SELECT k, k, randomblob(2000) FROM n";
    run(&guest, fill).await.unwrap();
    run(&guest, "UPDATE t SET v = v + 20000").await.unwrap();
    // The last row fails, after all others have changed.
    let failing = "UPDATE t SET v = CASE k WHEN 12000 THEN -1 ELSE -k END";
    assert!(run(&guest, failing).await.is_err());
    let unchanged = "SELECT count(*) FROM t WHERE v = k + 20000";
    assert_eq!(read_number(&guest, unchanged).await, 12_000);
}
