//! Stores in an SQLite file.

use hedge_key_value::Store;
use hedge_sqlite::{Database, Value};

use crate::{behaves_as_store, is_bounded, lists_many_keys};

#[tokio::test]
async fn a_file_is_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_sqlite(&Database::open(&folder.path().join("kv.db")).unwrap(), "default");
    behaves_as_store(&store).await;
    is_bounded(&store).await;
    lists_many_keys(&store).await;
}

#[tokio::test]
async fn stores_of_one_file_are_apart_and_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kv.db");
    let database = Database::open(&path).unwrap();
    let (one, two) = (Store::in_sqlite(&database, "one"), Store::in_sqlite(&database, "two"));
    one.set("key", b"1".to_vec()).await.unwrap();
    two.set("key", b"2".to_vec()).await.unwrap();
    two.delete("key").await.unwrap();
    database.close().await;

    let again = Store::in_sqlite(&Database::open(&path).unwrap(), "one");
    assert_eq!(again.get("key").await, Ok(Some(b"1".to_vec())));
}

#[tokio::test]
async fn the_table_is_spins() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("kv.db")).unwrap();
    let guest = database.connect();
    // As Spin makes it, and with a row as Spin writes it.
    let create = "CREATE TABLE spin_key_value (store TEXT NOT NULL, key TEXT NOT NULL, \
                  value BLOB NOT NULL, PRIMARY KEY (store, key))";
    guest.execute(create.into(), vec![]).await.unwrap();
    let insert = "INSERT INTO spin_key_value VALUES ('default', 'from', X'7370696E')";
    guest.execute(insert.into(), vec![]).await.unwrap();

    let store = Store::in_sqlite(&database, "default");
    assert_eq!(store.get("from").await, Ok(Some(b"spin".to_vec())));
    store.set("to", b"spin".to_vec()).await.unwrap();
    let select = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = 'to'";
    let rows = guest.execute(select.into(), vec![]).await.unwrap();
    assert_eq!(rows.rows, [[Value::Blob(b"spin".to_vec())]]);
}

#[tokio::test]
async fn a_closed_database_is_an_error() {
    let database = Database::open_in_memory().unwrap();
    let store = Store::in_sqlite(&database, "default");
    store.set("key", vec![]).await.unwrap();
    database.close().await;
    assert!(store.get("key").await.is_err());
}
