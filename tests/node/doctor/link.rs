//! The way to the node above, and what a node says of itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use anyhow::{Result, ensure};
use hedgeschool_tests::{Builder, Link, Machine, Node, Redis, free_port, is_own_host, repository};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use serde_json::json;

use super::{start, stopped};
use crate::tree::{node, soon, under};

fn edge(upstream: &str) -> Result<Builder> {
    Ok(under(node("edge", &[])?, "edge", upstream))
}

#[test]
fn each_step_of_the_way_above() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let hub = start(node("hub", &["edge"])?)?;
    let mut edge = stopped(edge(&hub.address())?)?;
    let mut expect = |upstream: &str, check: &str, says: &str| {
        edge.set_variable("upstream_url", upstream);
        edge.doctor().expect_wrong(check, says)
    };
    expect("https://hub.invalid", "upstream-name", "hub.invalid, leads nowhere")?;
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    expect(&nobody, "upstream-connection", "takes a connection")?;
    // Somebody who hangs up, by a plain line and by one that should be encrypted.
    let rude = TcpListener::bind("127.0.0.1:0")?;
    let port = rude.local_addr()?.port();
    thread::spawn(move || rude.incoming().flatten().for_each(drop));
    expect(&format!("http://127.0.0.1:{port}"), "upstream-answer", "does not answer")?;
    expect(&format!("https://127.0.0.1:{port}"), "upstream-answer", "does not answer")?;
    expect(&hub.content_address(), "upstream-answer", "is no node")?;
    let port = self_signed()?;
    let says = "signed by nobody that this node trusts";
    expect(&format!("https://localhost:{port}"), "upstream-certificate", says)?;
    edge.set_variable("upstream_url", &hub.address());
    edge.set_variable("upstream_token", "of-somebody-else");
    edge.doctor().expect_wrong("upstream-token", "does not take this node's token")?;
    edge.set_variable("upstream_token", "token-of-edge");
    edge.doctor().expect_nothing()?;
    // The name that belongs to the token is another one.
    edge.set_variable("node_id", "edge-2");
    edge.doctor().expect_wrong("upstream-token", "the token is that of node")
}

/// A server with a certificate that it has signed itself; answers its port.
fn self_signed() -> Result<u16> {
    let file = |name: &str| fs::read(repository("tests/fixtures/tls").join(name));
    let chain = vec![CertificateDer::from(file("self-signed.der")?)];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(file("self-signed.key.der")?));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key)?);
    let listener = TcpListener::bind("localhost:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(mut connection) = ServerConnection::new(config.clone()) else { continue };
            // Whoever does not like the certificate leaves.
            let mut encrypted = Stream::new(&mut connection, &mut stream);
            let _ = encrypted.read(&mut [0; 1024]).and_then(|_| encrypted.write(b"x"));
        }
    });
    Ok(port)
}

#[test]
fn a_cut_link_and_a_refusal_at_a_node_that_runs() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let hub = start(node("hub", &["edge"])?)?;
    let link = Link::to(hub.port())?;
    let edge = start(edge(&link.address())?)?;
    let status = |node: &Node| node.admin().get("/sync/v1/status")?.expect(200)?.json();
    soon("the edge is in touch", || Ok(status(&edge)?["upstream"]["node"] == json!("hub")))?;
    edge.doctor().expect_nothing()?;
    link.cut();
    soon("the edge notices", || Ok(status(&edge)?["upstream"]["problem"] != json!(null)))?;
    let seen = edge.doctor().examine()?;
    let findings = seen.report["findings"].as_array().map_or(0, Vec::len);
    ensure!(findings == 1 && seen.code == 1, "{seen:#?}");
    link.restore();

    let stranger = start(under(node("stranger", &[])?, "stranger", &hub.address()))?;
    soon("the stranger hears", || Ok(status(&stranger)?["upstream"]["is_refused"] == json!(true)))?;
    stranger.doctor().expect_wrong("upstream-token", "does not take this node's token")
}

#[test]
fn clocks_that_differ() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let hub = node("hub", &["edge"])?.on_disk()?;
    let machine = Machine::under(hub.folder())?;
    let hub = hub.environment(machine.environment()?).start()?;
    let mut edge = start(edge(&hub.address())?)?;
    edge.doctor().expect_nothing()?;
    machine.set_clock(4_000)?;
    let says = "the other one is 1 h ahead";
    edge.doctor().expect_wrong("clock", says)?;
    edge.terminate()?;
    edge.doctor().expect_wrong("clock", says)
}

#[test]
fn a_limit_that_is_reached() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut node = stopped(Node::builder()?)?;
    node.set_variable("storage_limit", "300KB");
    node.restart()?;
    node.doctor().expect_wrong("storage", "new work of learners is refused")
}

#[test]
fn a_redis_that_is_down() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut redis = Redis::start()?;
    let mut node = start(Node::builder()?.variable("redis_url", &redis.url()))?;
    ensure!(node.doctor().expect_nothing()?.is_in_order("redis"));
    redis.kill()?;
    node.doctor().expect_warning("redis", "Redis does not answer")?;
    node.terminate()?;
    node.doctor().expect_warning("redis", "Redis does not answer")?;
    redis.restart()?;
    ensure!(node.doctor().expect_nothing()?.is_in_order("redis"));
    Ok(())
}
