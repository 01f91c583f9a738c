//! xAPI clients: made, used within their scopes, and revoked.

use std::net::TcpListener;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, eventually, repository, statement};
use http::Method;
use serde_json::{Value, json};

const CLIENTS: &str = "/auth/clients";
const STATEMENTS: &str = "/xapi/statements";
/// How long a node may go on accepting a revoked client (the age of a verdict), and time to
/// notice.
const REVOKED_MAX: Duration = Duration::from_secs(5 + 3);

/// A client that was added, with its secret.
struct Added {
    key: String,
    secret: String,
}

impl Added {
    fn of(client: &Value) -> Result<Self> {
        let text = |name| client.get(name).and_then(Value::as_str).map(str::to_owned);
        let (key, secret) = text("key").zip(text("secret")).context("no key and secret")?;
        Ok(Self { key, secret })
    }

    /// The client at a node.
    fn at(&self, node: &Node) -> Client {
        with_credentials(node, &format!("{}:{}", self.key, self.secret))
    }
}

fn with_credentials(node: &Node, credentials: &str) -> Client {
    let client = node.anonymous().with_basic(credentials);
    client.with_header("x-experience-api-version", "1.0.3")
}

/// Adds a client by HTTP.
fn add(node: &Node, wanted: &Value) -> Result<Added> {
    Added::of(&node.admin().post(CLIENTS, wanted)?.expect(201)?.json()?)
}

fn with_scopes(node: &Node, scopes: &[&str]) -> Result<Client> {
    Ok(add(node, &json!({ "scopes": scopes }))?.at(node))
}

fn revoke(node: &Node, key: &str) -> Result<Response> {
    node.admin().delete(&format!("{CLIENTS}/{key}"))
}

/// Waits until credentials are refused, which has to be within the age of a verdict.
fn await_refusal(client: &Client) -> Result<()> {
    let start = Instant::now();
    eventually("the revoked client is refused", || {
        Ok((client.get(STATEMENTS)?.status == 401).then_some(()))
    })?;
    ensure!(start.elapsed() < REVOKED_MAX, "refused after {:?} only", start.elapsed());
    Ok(())
}

#[test]
fn a_client_records_and_reads_within_its_scopes_only() -> Result<()> {
    let node = Node::start()?;
    let of = |scopes: &[&str]| with_scopes(&node, scopes);
    let id = statement::new_id();
    statement::post(&of(&["statements/write"])?, &id)?;
    let read = format!("{STATEMENTS}?statementId={id}");
    for scope in ["statements/read", "all/read", "all"] {
        of(&[scope])?.get(&read)?.expect(200).context(scope)?;
    }
    statement::post(&of(&["all"])?, &statement::new_id())?;

    for scope in ["statements/write", "state", "profile", "define"] {
        let refused = of(&[scope])?.get(STATEMENTS)?.expect(403).context(scope)?;
        ensure!(refused.detail()?.contains("scope"));
    }
    let other = statement::experienced(&statement::new_id());
    for scope in
        ["statements/read/mine", "statements/read", "state", "profile", "define", "all/read"]
    {
        of(&[scope])?.post(STATEMENTS, &other)?.expect(403).context(scope)?;
    }
    assert_eq!(statement::count(&node.xapi())?, 2);
    Ok(())
}

#[test]
fn what_a_client_may_do_when_nobody_says_is_what_the_standard_assumes() -> Result<()> {
    let node = Node::start()?;
    let foreign = statement::new_id();
    statement::post(&node.xapi(), &foreign)?;
    let added = node.admin().post(CLIENTS, &json!({}))?.expect(201)?.json()?;
    assert_eq!(added["scopes"], json!(["statements/write", "statements/read/mine"]));
    assert_eq!(added["name"], added["key"]);

    let client = Added::of(&added)?.at(&node);
    statement::post(&client, &statement::new_id())?;
    ensure!(!statement::all_ids(&client)?.contains(&foreign), "it reads what is not its own");
    client.get(&format!("{STATEMENTS}?statementId={foreign}"))?.expect(403)?;
    Ok(())
}

#[test]
fn statements_carry_their_client_as_authority() -> Result<()> {
    let node = Node::start()?;
    // A person of the client's key is somebody else.
    let ada = json!({
        "name": "lab", "display_name": "Lab", "role": "learner", "password": "a-long-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let client = add(&node, &json!({ "key": "lab", "name": "The lab" }))?;
    let id = statement::new_id();
    statement::post(&client.at(&node), &id)?;
    let read = node.xapi().get(&format!("{STATEMENTS}?statementId={id}"))?.expect(200)?.json()?;
    assert_eq!(read["authority"]["account"]["name"], "client:lab");
    assert_eq!(read["authority"]["name"], "The lab");
    with_credentials(&node, "lab:a-long-password").post(STATEMENTS, &read)?.expect(403)?;
    Ok(())
}

#[test]
fn a_revoked_client_is_refused_within_seconds_and_a_wrong_secret_at_once() -> Result<()> {
    let node = Node::start()?;
    let (gone, stays) = (add(&node, &json!({}))?, add(&node, &json!({}))?);
    statement::post(&gone.at(&node), &statement::new_id())?;
    let wrong = Added { key: gone.key.clone(), secret: stays.secret.clone() };
    for _ in 0..3 {
        wrong.at(&node).get(STATEMENTS)?.expect(401)?;
    }
    let first = revoke(&node, &gone.key)?.expect(200)?.json()?;
    ensure!(first["revoked_ms"].is_i64() && first.get("secret").is_none(), "{first}");
    await_refusal(&gone.at(&node))?;
    statement::post(&stays.at(&node), &statement::new_id())?;
    let again = revoke(&node, &gone.key)?.expect(200)?.json()?;
    assert_eq!(again, first);
    let taken = node.admin().post(CLIENTS, &json!({ "key": gone.key }))?.expect(409)?;
    ensure!(taken.detail()?.contains(&gone.key));
    Ok(())
}

#[test]
fn clients_stay_over_a_restart_and_so_does_revocation() -> Result<()> {
    let mut node = Node::start()?;
    let (gone, stays) = (add(&node, &json!({}))?, add(&node, &json!({ "name": "Stays" }))?);
    revoke(&node, &gone.key)?.expect(200)?;
    node.kill()?;
    node.restart()?;
    statement::post(&stays.at(&node), &statement::new_id())?;
    gone.at(&node).get(STATEMENTS)?.expect(401)?;
    Ok(())
}

#[test]
fn a_list_shows_every_client_and_no_secret() -> Result<()> {
    let node = Node::start()?;
    let a = add(&node, &json!({ "key": "a", "name": "First", "scopes": ["all/read"] }))?;
    let b = add(&node, &json!({ "key": "b" }))?;
    revoke(&node, "b")?.expect(200)?;
    let listed = node.admin().get(CLIENTS)?.expect(200)?;
    let hidden = [a.secret.as_str(), b.secret.as_str(), "secret", "hash"];
    ensure!(!hidden.iter().any(|text| listed.text().contains(text)), "{}", listed.text());
    let page = listed.json()?;
    assert_eq!(page["more"], Value::Null);
    let first = &page["clients"][0];
    assert_eq!((&first["key"], &first["name"]), (&json!("a"), &json!("First")));
    assert_eq!((&first["scopes"], &first["revoked_ms"]), (&json!(["all/read"]), &Value::Null));
    ensure!(page["clients"][1]["revoked_ms"].is_i64() && page["clients"][2].is_null(), "{page}");
    let after = node.admin().get(&format!("{CLIENTS}?after=a"))?.expect(200)?.json()?;
    assert_eq!(after["clients"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn only_administrators_deal_with_clients_and_only_from_here() -> Result<()> {
    let node = Node::start()?;
    let ada = json!({
        "name": "ada", "display_name": "Ada", "role": "learner", "password": "a-long-password",
    });
    node.admin().post("/auth/people", &ada)?.expect(201)?;
    let ada = node.anonymous().with_basic("ada:a-long-password");
    let elsewhere = node.admin().with_header("sec-fetch-site", "cross-site");
    let strangers = [(node.anonymous(), 401), (ada, 403), (node.xapi(), 403), (elsewhere, 403)];
    for (stranger, status) in &strangers {
        stranger.post(CLIENTS, &json!({ "key": "k" }))?.expect(*status)?;
        stranger.delete(&format!("{CLIENTS}/k"))?.expect(*status)?;
    }
    for (stranger, status) in &strangers[..3] {
        stranger.get(CLIENTS)?.expect(*status)?;
    }
    assert_eq!(node.admin().get(CLIENTS)?.expect(200)?.json()?["clients"], json!([]));
    Ok(())
}

#[test]
fn what_is_no_client_is_refused_by_name() -> Result<()> {
    let node = Node::start()?;
    let refused = [
        (json!({ "scopes": ["statements"] }), "statements/read/mine"),
        (json!({ "scopes": ["statements"] }), "\"statements\""),
        (json!({ "scopes": [] }), "scopes"),
        (json!({ "key": "" }), "key"),
        (json!({ "key": "Upper" }), "key"),
        (json!({ "key": ".." }), "key"),
        (json!({ "key": "k".repeat(65) }), "key"),
        (json!({ "name": "n".repeat(201) }), "name"),
        (json!({ "name": "two\nlines" }), "name"),
        (json!({ "secret": "my own" }), "secret"),
        (json!([]), "JSON"),
    ];
    for (wanted, named) in refused {
        let answer = node.admin().post(CLIENTS, &wanted)?.expect(400)?;
        let detail = answer.detail()?;
        ensure!(detail.contains(named), "{wanted} is refused with {detail:?}");
    }
    let operators = node.admin().post(CLIENTS, &json!({ "key": "test" }))?.expect(409)?;
    ensure!(operators.detail()?.contains("taken"));
    ensure!(revoke(&node, "nobody")?.expect(404)?.detail()?.contains("nobody"));
    ensure!(revoke(&node, "test")?.expect(404)?.detail()?.contains("bootstrap_client"));
    node.admin().send(Method::PUT, CLIENTS, None)?.expect(405)?;
    node.admin().get(&format!("{CLIENTS}/k"))?.expect(405)?;
    assert_eq!(node.admin().get(CLIENTS)?.expect(200)?.json()?["clients"], json!([]));
    Ok(())
}

/// Runs `hedge client …`.
fn hedge(url: &str, user: &str, words: &[&str]) -> Result<Output> {
    let mut hedge = Command::new(repository("target/host/hedge"));
    hedge.arg("client").args(words).args(["--url", url, "--user", user]);
    hedge.output().context("starting target/host/hedge: `cargo xtask build` makes it")
}

/// What a command prints, which has to succeed.
fn printed(output: Output) -> Result<String> {
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {complaint}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// What a command complains about, which has to fail with this code.
fn complaint(output: Output, code: i32) -> Result<String> {
    let complaint = String::from_utf8(output.stderr)?;
    ensure!(output.status.code() == Some(code), "{}: {complaint}", output.status);
    ensure!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(complaint)
}

#[test]
fn the_command_line_adds_lists_and_revokes() -> Result<()> {
    let node = Node::start()?;
    let run = |words: &[&str]| printed(hedge(&node.address(), Node::ADMIN, words)?);
    let words = ["add", "--name", "Lab", "--key", "lab", "--scope", "all/read", "--scope", "state"];
    let shown = run(&words)?;
    let line = |name: &str| {
        shown.lines().find_map(|line| line.strip_prefix(name)).map(|rest| rest.trim().to_owned())
    };
    let (key, secret) = line("key").zip(line("secret")).context("no key and secret")?;
    assert_eq!(line("endpoint"), Some(format!("{}/xapi/", node.address())));
    assert_eq!((key.as_str(), line("scopes").as_deref()), ("lab", Some("state all/read")));
    let lab = Added { key, secret };
    lab.at(&node).get(STATEMENTS)?.expect(200)?;

    let json: Value = serde_json::from_str(&run(&["add", "--json"])?)?;
    statement::post(&Added::of(&json)?.at(&node), &statement::new_id())?;
    let listed = run(&["list"])?;
    ensure!(listed.lines().any(|line| line == "lab\tactive\tstate all/read\tLab"), "{listed}");
    ensure!(listed.lines().count() == 2 && !listed.contains(&lab.secret), "{listed}");

    ensure!(run(&["revoke", "lab"])?.contains("lab"));
    await_refusal(&lab.at(&node))?;
    let listed: Value = serde_json::from_str(&run(&["list", "--json"])?)?;
    let listed =
        listed.as_array().context("no array")?.iter().find(|client| client["key"] == "lab");
    ensure!(listed.is_some_and(|lab| lab["revoked_ms"].is_i64()), "{listed:?}");
    Ok(())
}

#[test]
fn a_list_goes_on_after_its_first_page() -> Result<()> {
    let node = Node::start()?;
    let admin = node.admin();
    for number in 0..1001 {
        admin.post(CLIENTS, &json!({ "key": format!("k{number:04}") }))?.expect(201)?;
    }
    let page = admin.get(CLIENTS)?.expect(200)?.json()?;
    assert_eq!(page["clients"].as_array().map(Vec::len), Some(1000));
    let more = page["more"].as_str().context("no more")?;
    let rest = admin.get(more)?.expect(200)?.json()?;
    assert_eq!((&rest["clients"][0]["key"], &rest["more"]), (&json!("k1000"), &Value::Null));
    let listed = printed(hedge(&node.address(), Node::ADMIN, &["list"])?)?;
    assert_eq!(listed.lines().count(), 1001);
    Ok(())
}

#[test]
fn the_command_line_says_exactly_what_is_wrong() -> Result<()> {
    let node = Node::start()?;
    let fails = |user: &str, words: &[&str], code, named: &str| {
        let complaint = complaint(hedge(&node.address(), user, words)?, code)?;
        ensure!(complaint.contains(named), "{words:?}: {complaint}");
        Ok(())
    };
    fails(Node::ADMIN, &["add", "--scope", "everything"], 1, "statements/read/mine")?;
    fails(Node::ADMIN, &["revoke", "nobody"], 1, "there is no client nobody")?;
    fails("admin:wrong", &["list"], 1, "--user")?;
    fails(Node::CLIENT, &["list"], 1, "only administrators")?;
    fails(Node::ADMIN, &["revoke", "lab?x"], 2, "a-z 0-9")?;
    fails(Node::ADMIN, &["revoke", ".."], 2, "begins")?;
    fails("admin", &["list"], 2, "colon")?;
    let unused = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let nobody = format!("http://{unused}");
    let complaint = complaint(hedge(&nobody, Node::ADMIN, &["list"])?, 1)?;
    ensure!(
        complaint.contains(&nobody) && complaint.contains("is the node running"),
        "{complaint}"
    );
    Ok(())
}
