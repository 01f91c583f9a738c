//! Both back ends, against real ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use hedge_key_value::{Error, KEY_BYTES_MAX, Store, VALUE_BYTES_MAX};

mod redis;
mod sqlite;

/// What every store does, whatever is behind it; it must be empty.
async fn behaves_as_store(store: &Store) {
    assert_eq!(store.get("a").await, Ok(None));
    assert_eq!(store.exists("a").await, Ok(false));
    assert_eq!(store.delete("a").await, Ok(()));
    assert_eq!(store.get_keys().await, Ok(vec![]));

    store.set("a", b"one".to_vec()).await.unwrap();
    store.set("a", vec![0, 255]).await.unwrap();
    store.set("ключ/ü", vec![]).await.unwrap();
    assert_eq!(store.get("a").await, Ok(Some(vec![0, 255])));
    assert_eq!(store.get("ключ/ü").await, Ok(Some(vec![])));
    assert_eq!(store.exists("ключ/ü").await, Ok(true));
    assert_eq!(sorted_keys(store).await, ["a", "ключ/ü"]);

    store.delete("a").await.unwrap();
    assert_eq!(store.exists("a").await, Ok(false));
    store.delete("ключ/ü").await.unwrap();
}

/// Limits hold before anything is sent.
async fn is_bounded(store: &Store) {
    let long = "x".repeat(KEY_BYTES_MAX);
    store.set(&long, b"fits".to_vec()).await.unwrap();
    store.delete(&long).await.unwrap();
    for result in [
        store.get(&format!("{long}x")).await.map(drop),
        store.set(&format!("{long}x"), vec![]).await,
        store.set("a", vec![0; VALUE_BYTES_MAX + 1]).await,
    ] {
        assert!(matches!(result, Err(Error::TooLarge { .. })), "{result:?}");
    }
    store.set("a", vec![7; VALUE_BYTES_MAX]).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().map(|value| value.len()), Some(VALUE_BYTES_MAX));
    store.delete("a").await.unwrap();
}

/// More keys than one page of a listing holds.
async fn lists_many_keys(store: &Store) {
    let keys: Vec<String> = (0..2500).map(|number| format!("key-{number:05}")).collect();
    let writes = keys.iter().map(|key| store.set(key, vec![1]));
    assert!(futures::future::join_all(writes).await.iter().all(Result::is_ok));
    assert_eq!(sorted_keys(store).await, keys);
}

async fn sorted_keys(store: &Store) -> Vec<String> {
    let mut keys = store.get_keys().await.unwrap();
    keys.sort();
    keys
}
