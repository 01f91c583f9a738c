//! Statements that take too long, or that nobody waits for any more.

use std::time::Duration;

use futures::future::join;
use hedge_sqlite::{Database, Error, Options};
use tokio::time::timeout;

use crate::{read_number, run};

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";

fn open_with(folder: &tempfile::TempDir, options: Options) -> Database {
    Database::open_with(&folder.path().join("t.db"), options).unwrap()
}

#[tokio::test]
async fn an_endless_read_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { statement_time_max: Duration::from_millis(100), ..Options::default() };
    let guest = open_with(&folder, options).connect();
    let error = run(&guest, &format!("{ENDLESS} SELECT max(i) FROM n")).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error}");
    assert_eq!(read_number(&guest, "SELECT 1").await, 1);
}

#[tokio::test]
async fn an_endless_write_is_stopped_and_takes_nobody_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { statement_time_max: Duration::from_millis(300), ..Options::default() };
    let database = open_with(&folder, options);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    let endless = format!("INSERT INTO t {ENDLESS} SELECT i FROM n WHERE i < 0");
    let (good, bad) = join(run(&one, "INSERT INTO t VALUES (1)"), run(&two, &endless)).await;
    good.unwrap();
    assert!(matches!(bad, Err(Error::Timeout { .. })), "{bad:?}");
    assert_eq!(read_number(&one, "SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn a_read_that_nobody_waits_for_frees_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_with(&folder, Options { readers: 1, ..Options::default() });
    let guest = database.connect();
    let endless = format!("{ENDLESS} SELECT max(i) FROM n");
    assert!(timeout(Duration::from_millis(50), run(&guest, &endless)).await.is_err());
    assert_eq!(database.stats().reads, 1, "it had begun");
    let next = timeout(Duration::from_secs(10), read_number(&guest, "SELECT 7"));
    assert_eq!(next.await, Ok(7));
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_is_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_with(&folder, Options::default());
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    let waiting = timeout(Duration::from_millis(20), run(&two, "INSERT INTO t VALUES (1)")).await;
    assert!(waiting.is_err());
    run(&one, "COMMIT").await.unwrap();
    run(&one, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(read_number(&one, "SELECT sum(v) FROM t").await, 2);
}

#[tokio::test]
async fn reads_do_not_wait_for_a_transaction_that_writes_wait_for() {
    let folder = tempfile::tempdir().unwrap();
    // Room for one waiting write, so that the queue is full.
    let database = open_with(&folder, Options { queue_bytes_max: 1, ..Options::default() });
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    let write = async { run(&two, "INSERT INTO t VALUES (1)").await.unwrap() };
    let work = async {
        for _ in 0..10 {
            run(&one, "INSERT INTO t VALUES (2)").await.unwrap();
            assert_eq!(read_number(&database.connect(), "SELECT count(*) FROM t").await, 0);
        }
        run(&one, "COMMIT").await.unwrap();
    };
    join(write, work).await;
    assert_eq!(read_number(&one, "SELECT count(*) FROM t").await, 11);
}
