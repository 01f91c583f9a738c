//! Many writes, few commits, and every statement its own result.

use std::future::Future;

use futures::future::join_all;
use hedge_sqlite::{Database, Error, Options, Rows, Value};

use crate::{open, read_number, run};

/// Runs one INSERT a value, each from a guest of its own, all at once and in this order.
fn insert_all<'a>(
    database: &'a Database,
    values: &'a [i64],
) -> impl Future<Output = Vec<Result<Rows, Error>>> + 'a {
    join_all(values.iter().map(|value| {
        let guest = database.connect();
        async move {
            guest.execute("INSERT INTO t VALUES (?)".into(), vec![Value::Integer(*value)]).await
        }
    }))
}

#[tokio::test]
async fn waiting_writes_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { sync_delay: std::time::Duration::from_millis(5), ..Options::default() };
    let database = Database::open_with(&folder.path().join("t.db"), options).unwrap();
    run(&database.connect(), "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    let values: Vec<i64> = (0..500).collect();
    assert!(insert_all(&database, &values).await.iter().all(Result::is_ok));
    let stats = database.stats();
    assert!(stats.writes >= 501);
    assert!(stats.commits < 50, "{stats:?}");
    assert!(stats.batch_statements_max > 100 && stats.batch_statements_max <= 256, "{stats:?}");
    assert_eq!(read_number(&database.connect(), "SELECT count(*) FROM t").await, 500);
}

#[tokio::test]
async fn a_failing_statement_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    run(&database.connect(), "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    // Every third value comes twice.
    let values: Vec<i64> =
        (0..300).flat_map(|v| if v % 3 == 0 { vec![v, v] } else { vec![v] }).collect();
    let results = insert_all(&database, &values).await;
    let mut seen = std::collections::HashSet::new();
    for (value, result) in values.iter().zip(results) {
        match seen.insert(*value) {
            true => assert!(result.is_ok(), "{value}: {result:?}"),
            false => assert_eq!(
                result.unwrap_err().to_string(),
                "UNIQUE constraint failed: t.v",
                "{value}"
            ),
        }
    }
    assert_eq!(read_number(&database.connect(), "SELECT count(*) FROM t").await, 300);
    assert!(database.stats().commits < 100, "{:?}", database.stats());
}

#[tokio::test]
async fn a_statement_that_ends_the_shared_transaction_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    for sql in [
        "CREATE TABLE t (v INTEGER PRIMARY KEY)",
        "CREATE TABLE child (v INTEGER REFERENCES t (v) DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO t VALUES (0)",
    ] {
        run(&guest, sql).await.unwrap();
    }
    let texts: Vec<String> = (1..200)
        .map(|v| match v % 20 {
            7 => "INSERT OR ROLLBACK INTO t VALUES (0)".to_owned(),
            13 => format!("INSERT INTO child VALUES ({})", -v),
            _ => format!("INSERT INTO t VALUES ({v})"),
        })
        .collect();
    let results = join_all(texts.iter().map(|sql| run(&guest, sql))).await;
    for (sql, result) in texts.iter().zip(results) {
        let expected = match sql {
            sql if sql.contains("ROLLBACK") => Some("UNIQUE constraint failed: t.v"),
            sql if sql.contains("child") => Some("FOREIGN KEY constraint failed"),
            _ => None,
        };
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), expected, "{sql}");
    }
    assert_eq!(read_number(&guest, "SELECT count(*) FROM t").await, 180);
    assert_eq!(read_number(&guest, "SELECT count(*) FROM child").await, 0);
    assert!(database.stats().batches_repeated > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_what_was_answered_before() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    run(&database.connect(), "CREATE TABLE t (caller INTEGER, v INTEGER)").await.unwrap();
    let callers = (0..16).map(|caller| {
        let guest = database.connect();
        tokio::spawn(async move {
            let sql = format!("SELECT max(v) FROM t WHERE caller = {caller}");
            for v in 0..100 {
                run(&guest, &format!("INSERT INTO t VALUES ({caller}, {v})")).await.unwrap();
                assert_eq!(read_number(&guest, &sql).await, v);
            }
        })
    });
    for result in join_all(callers).await {
        result.unwrap();
    }
}

#[tokio::test]
async fn callers_wait_when_the_queue_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { queue_bytes_max: 1, ..Options::default() };
    let database = Database::open_with(&folder.path().join("t.db"), options).unwrap();
    run(&database.connect(), "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    let values: Vec<i64> = (0..50).collect();
    assert!(insert_all(&database, &values).await.iter().all(Result::is_ok));
    assert_eq!(database.stats().batch_statements_max, 1);
}

#[tokio::test]
async fn an_unhindered_wal_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (v)").await.unwrap();
    for _ in 0..80 {
        run(&guest, "INSERT INTO t VALUES (randomblob(1000000))").await.unwrap();
    }
    let stats = database.stats();
    assert!(stats.checkpoints >= 5, "{stats:?}");
    let wal = folder.path().join("deep/er/test.db-wal").metadata().unwrap().len();
    assert!(wal < 24 << 20, "the WAL has {wal} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_overlap_do_not_let_the_wal_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (v)").await.unwrap();
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let reader = database.connect();
            tokio::spawn(async move {
                loop {
                    read_number(&reader, "SELECT count(v || 'x') FROM (SELECT v FROM t LIMIT 20)")
                        .await;
                }
            })
        })
        .collect();
    for _ in 0..150 {
        run(&guest, "INSERT INTO t VALUES (randomblob(1000000))").await.unwrap();
    }
    readers.iter().for_each(tokio::task::JoinHandle::abort);
    let wal = folder.path().join("deep/er/test.db-wal").metadata().unwrap().len();
    assert!(wal < 100 << 20, "the WAL has {wal} bytes; {:?}", database.stats());
}
