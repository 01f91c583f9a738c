//! Stores on a Redis server, which the tests start themselves.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use hedge_key_value::{Error, Store};
use hedgeschool_tests::Redis;

use crate::{behaves_as_store, is_bounded, lists_many_keys};

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn open_store(address: &str) -> Store {
    Store::on_redis(&format!("{address}/0")).unwrap()
}

fn unreachable_store(port: u16) -> Store {
    open_store(&format!("redis://127.0.0.1:{port}"))
}

#[tokio::test]
async fn a_server_is_a_store() {
    let server = Redis::start().unwrap();
    behaves_as_store(&open_store(&server.url())).await;
    is_bounded(&open_store(&server.url())).await;
    lists_many_keys(&open_store(&server.url())).await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = Redis::start().unwrap();
    let store = open_store(&server.url());
    store.set("key", b"1".to_vec()).await.unwrap();
    server.kill().unwrap();
    for _ in 0..3 {
        let started = Instant::now();
        let error = store.get("key").await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
    server.restart().unwrap();
    // Nothing is kept by this server; what counts is that the very first call gets through.
    assert_eq!(store.get("key").await, Ok(None));
    store.set("key", b"2".to_vec()).await.unwrap();
    assert_eq!(store.get("key").await, Ok(Some(b"2".to_vec())));
}

#[tokio::test]
async fn nobody_there_is_a_quick_error() {
    let store = unreachable_store(free_port());
    let started = Instant::now();
    assert!(matches!(store.set("key", vec![]).await, Err(Error::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_in_two_seconds() {
    // Connections are taken by the system and never answered.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let store = unreachable_store(silent.local_addr().unwrap().port());
    for _ in 0..2 {
        let started = Instant::now();
        assert!(matches!(store.get("key").await, Err(Error::Unavailable(_))));
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_key_of_another_kind_is_the_servers_error() {
    let server = Redis::start().unwrap();
    let _: i64 = server.ask(redis::cmd("LPUSH").arg("list").arg(1)).unwrap();
    let error = open_store(&server.url()).get("list").await.unwrap_err();
    assert!(matches!(error, Error::Backend(_)), "{error}");
    assert_eq!(open_store(&server.url()).get("other").await, Ok(None), "the connection is fine");
}

#[test]
fn a_wrong_address_fails_at_once() {
    for address in ["", "localhost", "http://localhost:6379"] {
        assert!(matches!(Store::on_redis(address), Err(Error::Address(_))), "{address}");
    }
}
