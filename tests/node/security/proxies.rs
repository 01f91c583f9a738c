//! Who is believed of whom a request is for: the proxies that the operator has named, and nobody
//! else.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Node, address, course, eventually};
use http::Method;

use crate::apart::World;
use crate::launch::launch;

const FORM: &str = "application/x-www-form-urlencoded";
/// Where tests come from.
const HERE: &str = "127.0.0.1, ::1";
const ELSEWHERE: &str = "203.0.113.7";

fn node(trusted: &str) -> Result<Node> {
    Node::builder()?.variable("trusted_proxies", trusted).start()
}

/// What a proxy says that has TLS, or whoever says so.
fn by_tls(client: Client) -> Client {
    client.with_header("x-forwarded-for", "192.0.2.1").with_header("x-forwarded-proto", "https")
}

/// The cookie that the administrator's browser gets, with all that it is told of it.
fn cookie(client: &Client) -> Result<String> {
    let (name, password) = Node::ADMIN.split_once(':').unwrap_or_default();
    let form = address("", &[("name", name), ("password", password)]);
    let form = Some((FORM, form.trim_start_matches('?').as_bytes()));
    let answer = client.send(Method::POST, "/auth/sign-in", form)?.expect(303)?;
    Ok(answer.header("set-cookie").to_owned())
}

fn is_secure(client: &Client) -> Result<bool> {
    Ok(cookie(client)?.contains("; Secure"))
}

#[test]
fn nobody_is_believed_who_is_not_named() -> Result<()> {
    for trusted in ["", ELSEWHERE] {
        let node = node(trusted)?;
        ensure!(!is_secure(&by_tls(node.anonymous()))?, "believed: {trusted:?} is trusted");
        let claims = [
            ("forwarded", "for=192.0.2.1;proto=https"),
            // Of an address that may be trusted.
            ("x-forwarded-for", ELSEWHERE),
            ("spin-client-addr", "203.0.113.7:1"),
        ];
        for (name, value) in claims {
            let client = by_tls(node.anonymous()).with_header(name, value);
            ensure!(!is_secure(&client)?, "believed: {name}: {value}");
        }
    }
    Ok(())
}

#[test]
fn a_proxy_that_is_named_says_whether_there_is_tls() -> Result<()> {
    let node = node(HERE)?;
    ensure!(!is_secure(&node.anonymous())?, "without a word there is none");
    ensure!(is_secure(&by_tls(node.anonymous()))?, "the proxy is named");
    let by_http = node.anonymous().with_header("x-forwarded-proto", "http");
    ensure!(!is_secure(&by_http)?, "the proxy has none");
    let standard = node.anonymous().with_header("forwarded", "for=192.0.2.1;proto=https");
    ensure!(is_secure(&standard)?, "the same in the words of RFC 7239");
    // What a client has written stands before what the proxy adds.
    let spoofed = node.anonymous().with_header("x-forwarded-proto", "https, http");
    ensure!(!is_secure(&spoofed.with_header("x-forwarded-for", "192.0.2.1"))?, "the client's word");
    Ok(())
}

#[test]
fn units_are_launched_to_where_the_proxy_is() -> Result<()> {
    for (trusted, scheme) in [("", "http://"), (HERE, "https://")] {
        let files: [(&str, &[u8]); 1] = [("index.html", b"<!doctype html><h1>Unit</h1>")];
        let world = World::of(node(trusted)?, course::COURSES, &files)?;
        let cookie = world.node.sign_in("ada:a-long-password")?;
        let launched = launch(&by_tls(world.node.browser(&cookie)))?;
        for name in ["fetch", "endpoint"] {
            ensure!(launched[name].starts_with(scheme), "{name}: {}", launched[name]);
        }
    }
    Ok(())
}

#[test]
fn a_setting_that_cannot_be_read_is_told_in_the_log() -> Result<()> {
    let node = node("10.0.0.0/99")?;
    ensure!(!cookie(&node.anonymous())?.is_empty(), "who comes by no proxy is served");
    by_tls(node.anonymous()).get("/sign-in")?.expect(500)?;
    // What a node prints comes by a pipe, beside its answers.
    eventually("the log names the variable and what is wrong with it", || {
        let log = node.log();
        Ok((log.contains("trusted_proxies") && log.contains("10.0.0.0/99")).then_some(()))
    })
}
