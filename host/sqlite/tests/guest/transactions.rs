//! BEGIN … COMMIT of one guest, seen by itself and by others.

use std::time::Duration;

use futures::future::join;
use hedge_sqlite::{Database, Error, Options};
use tempfile::TempDir;

use crate::{open, read_number, run};

const COUNT: &str = "SELECT count(*) FROM t";

fn open_with(folder: &TempDir, options: Options) -> Database {
    Database::open_with(&folder.path().join("t.db"), options).unwrap()
}

#[tokio::test]
async fn others_see_a_transaction_only_once_it_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    assert!(one.is_in_transaction() && !two.is_in_transaction());
    run(&one, "INSERT INTO t VALUES (1)").await.unwrap();
    assert_eq!((read_number(&one, COUNT).await, read_number(&two, COUNT).await), (1, 0));
    run(&one, "COMMIT").await.unwrap();
    assert!(!one.is_in_transaction());
    assert_eq!(read_number(&two, COUNT).await, 1);
}

#[tokio::test]
async fn a_rollback_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for database in [open(&folder), Database::open_in_memory().unwrap()] {
        let guest = database.connect();
        run(&guest, "CREATE TABLE t (v)").await.unwrap();
        run(&guest, "BEGIN IMMEDIATE").await.unwrap();
        run(&guest, "INSERT INTO t VALUES (1)").await.unwrap();
        run(&guest, "ROLLBACK").await.unwrap();
        assert_eq!(read_number(&guest, COUNT).await, 0);
    }
}

#[tokio::test]
async fn savepoints_nest_and_the_outermost_commits() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    for sql in [
        "SAVEPOINT outer_one",
        "INSERT INTO t VALUES (1)",
        "SAVEPOINT inner_one",
        "INSERT INTO t VALUES (2)",
        "ROLLBACK TO inner_one",
        "RELEASE inner_one",
    ] {
        run(&one, sql).await.unwrap();
    }
    assert_eq!((read_number(&one, COUNT).await, read_number(&two, COUNT).await), (1, 0));
    run(&one, "RELEASE outer_one").await.unwrap();
    assert_eq!(read_number(&two, COUNT).await, 1);
}

#[tokio::test]
async fn writes_of_others_wait_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    let other = async { run(&two, "INSERT INTO t VALUES (2)").await.map(|_| ()) };
    let own = async {
        assert_eq!(read_number(&one, COUNT).await, 0);
        run(&one, "INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(read_number(&one, COUNT).await, 1, "the other's write is not in here");
        run(&one, "COMMIT").await.unwrap();
    };
    let (result, ()) = join(other, own).await;
    result.unwrap();
    assert_eq!(read_number(&one, COUNT).await, 2);
}

#[tokio::test]
async fn a_failed_commit_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    let child = "CREATE TABLE child (v REFERENCES t (v) DEFERRABLE INITIALLY DEFERRED)";
    run(&guest, child).await.unwrap();
    run(&guest, "BEGIN").await.unwrap();
    run(&guest, "INSERT INTO child VALUES (1)").await.unwrap();
    let error = run(&guest, "COMMIT").await.unwrap_err();
    assert_eq!(error.to_string(), "FOREIGN KEY constraint failed");
    assert!(guest.is_in_transaction());
    run(&guest, "INSERT INTO t VALUES (1)").await.unwrap();
    run(&guest, "COMMIT").await.unwrap();
    assert_eq!(read_number(&guest, "SELECT count(*) FROM child").await, 1);
}

#[tokio::test]
async fn foreign_keys_can_be_deferred_inside() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "CREATE TABLE t (v INTEGER PRIMARY KEY)").await.unwrap();
    run(&guest, "CREATE TABLE child (v REFERENCES t (v))").await.unwrap();
    run(&guest, "BEGIN").await.unwrap();
    run(&guest, "PRAGMA defer_foreign_keys=ON").await.unwrap();
    run(&guest, "INSERT INTO child VALUES (1)").await.unwrap();
    run(&guest, "INSERT INTO t VALUES (1)").await.unwrap();
    run(&guest, "COMMIT").await.unwrap();
    assert!(run(&guest, "INSERT INTO child VALUES (2)").await.is_err(), "it lasted too long");
}

#[tokio::test]
async fn a_dropped_guest_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    run(&one, "INSERT INTO t VALUES (1)").await.unwrap();
    drop(one);
    run(&two, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(read_number(&two, "SELECT sum(v) FROM t").await, 2);
    assert_eq!(database.stats().transactions_lost, 1);
}

#[tokio::test]
async fn an_idle_transaction_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Options { transaction_idle_max: Duration::from_millis(50), ..Options::default() };
    let database = open_with(&folder, idle);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    run(&one, "INSERT INTO t VALUES (1)").await.unwrap();
    run(&two, "INSERT INTO t VALUES (2)").await.unwrap();
    let error = run(&one, "INSERT INTO t VALUES (3)").await.unwrap_err();
    assert!(matches!(error, Error::TransactionLost(_)), "{error}");
    assert!(!one.is_in_transaction());
    assert_eq!(read_number(&one, "SELECT sum(v) FROM t").await, 2);
}

#[tokio::test]
async fn rolling_back_a_lost_transaction_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let idle = Options { transaction_idle_max: Duration::from_millis(20), ..Options::default() };
    let database = open_with(&folder, idle);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "BEGIN").await.unwrap();
    run(&two, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "ROLLBACK").await.unwrap();
    assert!(run(&one, "COMMIT").await.is_err());
}

#[tokio::test]
async fn a_busy_transaction_does_not_hold_on_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let short = Options { transaction_time_max: Duration::from_millis(100), ..Options::default() };
    let database = open_with(&folder, short);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    let greedy = async {
        loop {
            if let Err(error) = run(&one, "INSERT INTO t VALUES (1)").await {
                return error;
            }
        }
    };
    let (error, result) = join(greedy, run(&two, "INSERT INTO t VALUES (2)")).await;
    result.unwrap();
    assert!(matches!(error, Error::TransactionLost(_)), "{error}");
    assert_eq!(read_number(&two, "SELECT sum(v) FROM t").await, 2);
}

#[tokio::test]
async fn a_statement_that_outlasts_its_transaction_hears_of_the_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let short = Options { transaction_time_max: Duration::from_millis(50), ..Options::default() };
    let database = open_with(&folder, short);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "CREATE TABLE t (v)").await.unwrap();
    run(&one, "BEGIN").await.unwrap();
    let endless = "INSERT INTO t WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n)
        SELECT v FROM n";
    let error = run(&one, endless).await.unwrap_err();
    assert!(matches!(error, Error::TransactionLost(_)), "{error}");
    run(&two, "INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(read_number(&one, "SELECT sum(v) FROM t").await, 2);
}

#[tokio::test]
async fn a_second_transaction_waits_and_then_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let brief = Options { begin_wait_max: Duration::from_millis(50), ..Options::default() };
    let database = open_with(&folder, brief);
    let (one, two) = (database.connect(), database.connect());
    run(&one, "BEGIN").await.unwrap();
    let error = run(&two, "BEGIN").await.unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    assert!(error.to_string().contains("database is locked"), "guests look for SQLite's words");
    let (begun, ended) = join(run(&two, "BEGIN"), run(&one, "COMMIT")).await;
    ended.unwrap();
    begun.unwrap();
    assert!(two.is_in_transaction());
}

#[tokio::test]
async fn a_transaction_within_a_transaction_is_sqlites_error() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&folder);
    let guest = database.connect();
    run(&guest, "BEGIN").await.unwrap();
    let error = run(&guest, "BEGIN").await.unwrap_err().to_string();
    assert_eq!(error, "cannot start a transaction within a transaction");
    run(&guest, "END").await.unwrap();
}
