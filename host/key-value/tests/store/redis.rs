//! Stores on a Redis server, which the tests start themselves.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hedge_key_value::{Error, Store};
use tempfile::TempDir;

use crate::{behaves, is_bounded, lists_many_keys};

/// A server of the test's own, stopped when dropped.
struct Server {
    port: u16,
    folder: TempDir,
    process: Child,
}

impl Server {
    fn start() -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let process = spawn(port, &folder);
        Self { port, folder, process }
    }

    fn store(&self) -> Store {
        store(self.port)
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn restart(&mut self) {
        self.process = spawn(self.port, &self.folder);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server and waits until it says that it listens. A port that was taken meanwhile ends it.
fn spawn(port: u16, folder: &TempDir) -> Child {
    let mut process = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("these tests need redis-server (Debian: apt-get install redis-server): {error}")
        });
    // Not by connecting: on loopback a connection to a free port may meet itself.
    let log = BufReader::new(process.stdout.take().unwrap());
    let ready = log.lines().map_while(Result::ok).any(|line| line.contains("Ready to accept"));
    assert!(ready, "redis-server does not listen on port {port}");
    process
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn store(port: u16) -> Store {
    Store::redis(&format!("redis://127.0.0.1:{port}/0")).unwrap()
}

#[tokio::test]
async fn a_server_is_a_store() {
    let server = Server::start();
    behaves(&server.store()).await;
    is_bounded(&server.store()).await;
    lists_many_keys(&server.store()).await;
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again() {
    let mut server = Server::start();
    let store = server.store();
    store.set("key", b"1".to_vec()).await.unwrap();
    server.stop();
    for _ in 0..3 {
        let started = Instant::now();
        let error = store.get("key").await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    }
    server.restart();
    // Nothing is kept by this server; what counts is that the very first call gets through.
    assert_eq!(store.get("key").await, Ok(None));
    store.set("key", b"2".to_vec()).await.unwrap();
    assert_eq!(store.get("key").await, Ok(Some(b"2".to_vec())));
}

#[tokio::test]
async fn nobody_there_is_a_quick_error() {
    let store = store(free_port());
    let started = Instant::now();
    assert!(matches!(store.set("key", vec![]).await, Err(Error::Unavailable(_))));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up_in_two_seconds() {
    // Connections are taken by the system and never answered.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let store = store(silent.local_addr().unwrap().port());
    for _ in 0..2 {
        let started = Instant::now();
        assert!(matches!(store.get("key").await, Err(Error::Unavailable(_))));
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_key_of_another_kind_is_the_servers_error() {
    let server = Server::start();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/0", server.port)).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let _: i64 = redis::cmd("LPUSH").arg("list").arg(1).query_async(&mut connection).await.unwrap();
    let error = server.store().get("list").await.unwrap_err();
    assert!(matches!(error, Error::Backend(_)), "{error}");
    assert_eq!(server.store().get("other").await, Ok(None), "the connection is fine");
}

#[test]
fn a_wrong_address_fails_at_once() {
    for address in ["", "localhost", "http://localhost:6379"] {
        assert!(matches!(Store::redis(address), Err(Error::Address(_))), "{address}");
    }
}
