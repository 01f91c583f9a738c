//! Nodes above and below each other: what goes up, what comes down, who roams, and who is refused.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{
    Builder, Client, Link, Node, address, course, eventually, repository, statement,
};
use http::Method;
use serde_json::{Value, json};

const STATE: &str = "/xapi/activities/state";
const ACCOUNTS: &str = "https://hedgeschool.example/people";

/// A node of a tree, whose token at its upstream is `token-of-NAME`.
pub fn node(name: &str, below: &[&str]) -> Result<Builder> {
    let tokens: Vec<_> = below.iter().map(|node| format!("{node}:token-of-{node}")).collect();
    let builder = Node::builder()?.variable("node_id", name).variable("sync_interval", "100ms");
    Ok(builder.variable("bootstrap_nodes", &tokens.join(",")))
}

pub fn under(builder: Builder, name: &str, upstream: &str) -> Builder {
    builder
        .variable("upstream_url", upstream)
        .variable("upstream_token", &format!("token-of-{name}"))
}

/// A hub and an edge below it.
pub fn pair() -> Result<(Node, Node)> {
    let hub = node("hub", &["edge"])?.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    Ok((hub, edge))
}

/// Waits until something holds.
pub fn soon(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    eventually(what, || Ok(holds()?.then_some(())))
}

pub fn learner(name: &str) -> Value {
    json!({ "name": name, "display_name": name, "role": "learner", "password": "a-long-password" })
}

pub fn people(node: &Node) -> Result<BTreeMap<String, Value>> {
    let listed = node.admin().get("/auth/people")?.expect(200)?.json()?;
    let people = listed.as_array().context("people are a list")?;
    let name = |person: &Value| person["name"].as_str().unwrap_or_default().to_owned();
    Ok(people.iter().map(|person| (name(person), person.clone())).collect())
}

/// Signs in with a browser's form; answers the page it leads to.
pub fn sign_in(node: &Node, name: &str) -> Result<String> {
    let form = format!("name={name}&password=a-long-password&next=/");
    let form = Some(("application/x-www-form-urlencoded", form.as_bytes()));
    let answer = node.anonymous().send(Method::POST, "/auth/sign-in", form)?.expect(303)?;
    Ok(answer.header("location").to_owned())
}

fn agent(name: &str) -> Value {
    json!({ "objectType": "Agent", "account": { "homePage": ACCOUNTS, "name": name } })
}

pub fn completed(name: &str, activity: &str) -> Value {
    statement::with(json!({
        "actor": agent(name),
        "verb": { "id": "http://adlnet.gov/expapi/verbs/completed" },
        "object": { "id": activity },
        "result": { "completion": true, "score": { "scaled": 0.9 } },
    }))
}

/// The address of a learner's state in an activity.
pub fn state(name: &str) -> String {
    let agent = agent(name).to_string();
    let activity = "https://example.org/course";
    address(STATE, &[("activityId", activity), ("agent", &agent), ("stateId", "resume")])
}

pub fn put_state(client: &Client, name: &str, state_of: &str) -> Result<()> {
    let known = client.get(&state(name))?;
    let client = client.clone();
    let client = match known.status.as_u16() {
        200 => client.with_header("if-match", known.header("etag")),
        _ => client,
    };
    client
        .send(Method::PUT, &state(name), Some(("application/json", state_of.as_bytes())))?
        .expect(204)?;
    Ok(())
}

pub fn has_state(node: &Node, name: &str, expected: &str) -> Result<bool> {
    let answer = node.xapi().get(&state(name))?;
    Ok(answer.status == 200 && answer.text() == expected)
}

pub fn has(node: &Node, statement: &Value) -> Result<bool> {
    let id = statement["id"].as_str().unwrap_or_default();
    Ok(node.xapi().get(&statement::one(id))?.status == 200)
}

pub fn conflicts(node: &Node) -> Result<Vec<Value>> {
    let listed = node.admin().get("/sync/v1/conflicts")?.expect(200)?.json()?;
    Ok(listed["conflicts"].as_array().context("a list of conflicts")?.clone())
}

#[test]
fn a_course_published_above_runs_below() -> Result<()> {
    let (hub, edge) = pair()?;
    let package = course::package("https://example.org/a-course", "A course")?;
    let zip = Some(("application/zip", package.as_slice()));
    hub.admin().send(Method::POST, "/content/v1/courses", zip)?.expect(201)?;
    let path = "/content/v1/courses/https%3A%2F%2Fexample%2Eorg%2Fa%2Dcourse";
    soon("the course arrives", || Ok(edge.admin().get(path)?.status == 200))?;
    assert_eq!(edge.admin().get(path)?.json()?, hub.admin().get(path)?.expect(200)?.json()?);
    let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    assert_eq!(status["arriving"], json!([]));
    Ok(())
}

#[test]
fn people_are_known_where_they_belong() -> Result<()> {
    let (hub, edge) = pair()?;
    hub.admin().post("/auth/people", &learner("everywhere"))?.expect(201)?;
    let mut elsewhere = learner("elsewhere");
    elsewhere["home"] = json!("another");
    hub.admin().post("/auth/people", &elsewhere)?.expect(201)?;
    edge.admin().post("/auth/people", &learner("local"))?.expect(201)?;
    soon("people are where they belong", || {
        Ok(people(&hub)?.contains_key("local") && people(&edge)?.contains_key("everywhere"))
    })?;
    ensure!(!people(&edge)?.contains_key("elsewhere"));
    assert_eq!(sign_in(&edge, "everywhere")?, "/");

    // What the hub changes, changes below; what is not a node's own, it does not change.
    let change = json!({ "display_name": "Every Where" }).to_string();
    let change = Some(("application/json", change.as_bytes()));
    edge.admin().send(Method::PATCH, "/auth/people/everywhere", change)?.expect(409)?;
    hub.admin().send(Method::PATCH, "/auth/people/everywhere", change)?.expect(200)?;
    hub.admin().delete("/auth/people/local")?.expect(204)?;
    soon("the changes arrive", || {
        let people = people(&edge)?;
        Ok(people["everywhere"]["display_name"] == "Every Where" && !people.contains_key("local"))
    })
}

#[test]
fn a_learner_roams_between_regions() -> Result<()> {
    let centre = node("centre", &["north", "south"])?.start()?;
    let north = under(node("north", &["edge-n"])?, "north", &centre.address()).start()?;
    let south = under(node("south", &["edge-s"])?, "south", &centre.address()).start()?;
    let home = under(node("edge-n", &[])?, "edge-n", &north.address()).start()?;
    let away = under(node("edge-s", &[])?, "edge-s", &south.address()).start()?;

    home.admin().post("/auth/people", &learner("ana"))?.expect(201)?;
    let done = completed("ana", "https://example.org/course");
    statement::store(&home.xapi(), &done)?;
    put_state(&home.xapi(), "ana", r#"{"page":7}"#)?;
    let others: Vec<_> =
        (0..20).map(|n| completed(&format!("other{n}"), "https://example.org/x")).collect();
    statement::store(&home.xapi(), &json!(others))?;
    soon("all is at the centre", || {
        Ok(people(&centre)?.contains_key("ana") && has_state(&centre, "ana", r#"{"page":7}"#)?)
    })?;
    ensure!(!has(&away, &done)? && !people(&away)?.contains_key("ana"));

    soon("ana signs in elsewhere", || Ok(sign_in(&away, "ana")? == "/"))?;
    soon("the record follows", || {
        Ok(has(&away, &done)? && has_state(&away, "ana", r#"{"page":7}"#)?)
    })?;
    ensure!(
        others.iter().all(|other| !has(&away, other).unwrap_or(true)),
        "others' records came along"
    );

    // What she does there is known at home, if she has been signed in at home too.
    assert_eq!(sign_in(&home, "ana")?, "/");
    put_state(&away.xapi(), "ana", r#"{"page":8}"#)?;
    let passed = completed("ana", "https://example.org/another");
    statement::store(&away.xapi(), &passed)?;
    soon("home knows", || Ok(has(&home, &passed)? && has_state(&home, "ana", r#"{"page":8}"#)?))?;
    assert_eq!(conflicts(&centre)?, Vec::<Value>::new());
    for node in [&centre, &north, &south, &home, &away] {
        ensure!(!node.log().contains("Another epoch begins"), "a disk is taken for a restored one");
    }
    Ok(())
}

#[test]
fn of_two_who_changed_a_document_apart_the_one_who_lost_is_seen_and_can_be_restored() -> Result<()>
{
    let hub = node("hub", &["edge"])?.start()?;
    let link = Link::to(hub.port())?;
    let edge = under(node("edge", &[])?, "edge", &link.address()).start()?;
    put_state(&edge.xapi(), "ana", r#"{"page":1}"#)?;
    soon("the first version arrives", || has_state(&hub, "ana", r#"{"page":1}"#))?;
    link.cut();
    put_state(&edge.xapi(), "ana", r#"{"page":2}"#)?;
    put_state(&hub.xapi(), "ana", r#"{"page":3}"#)?;
    link.restore();
    soon("the conflict is noticed", || Ok(conflicts(&hub)?.len() == 1))?;
    // The later one stands.
    ensure!(has_state(&hub, "ana", r#"{"page":3}"#)?);
    let conflict = conflicts(&hub)?.remove(0);
    assert_eq!(conflict["kind"], "document");
    assert_eq!(conflict["lost"]["content"], "eyJwYWdlIjoyfQ==");
    let id = conflict["id"].as_str().unwrap_or_default();
    let settle = format!("/sync/v1/conflicts/{id}?restore=true");
    hub.admin().post(&settle, &json!({}))?.expect(204)?;
    ensure!(has_state(&hub, "ana", r#"{"page":2}"#)?);
    assert_eq!(conflicts(&hub)?, Vec::<Value>::new());
    hub.admin().post(&settle, &json!({}))?.expect(404)?;
    Ok(())
}

#[test]
fn a_node_restored_from_a_copy_of_its_disk_loses_nothing() -> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let mut edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    let posted = |edge: &Node| -> Result<Vec<Value>> {
        let batch: Vec<_> =
            (0..30).map(|n| completed("ana", &format!("https://example.org/{n}"))).collect();
        statement::store(&edge.xapi(), &json!(batch))?;
        Ok(batch)
    };
    let mut all = posted(&edge)?;
    let arrived =
        |all: &[Value]| -> Result<bool> { Ok(statement::count(&hub.xapi())? >= all.len()) };
    soon("the first arrive", || arrived(&all))?;
    edge.terminate()?;
    let copy = tempfile::tempdir()?;
    for file in fs::read_dir(edge.folder())? {
        let file = file?;
        if file.file_type()?.is_file() {
            fs::copy(file.path(), copy.path().join(file.file_name()))?;
        }
    }
    edge.restart()?;
    all.extend(posted(&edge)?);
    soon("the second arrive", || arrived(&all))?;
    edge.kill()?;
    for file in fs::read_dir(copy.path())? {
        let file = file?;
        fs::copy(file.path(), edge.folder().join(file.file_name()))?;
    }
    for leftover in ["progress.db-wal", "progress.db-shm"] {
        let _ = fs::remove_file(edge.folder().join(leftover));
    }
    edge.restart()?;
    // As many as were lost, and some: the journal has other entries under the same sequences.
    all.extend(posted(&edge)?);
    all.extend(posted(&edge)?);
    soon("the others arrive", || arrived(&all))?;
    for statement in &all {
        ensure!(has(&hub, statement)?, "{statement} is missing");
    }
    assert_eq!(statement::count(&hub.xapi())?, all.len());
    Ok(())
}

#[test]
fn a_node_and_its_hub_say_how_they_stand() -> Result<()> {
    let (hub, edge) = pair()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    soon("they agree", || {
        let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        Ok(statement::count(&hub.xapi())? == 1 && status["upstream"]["queue"] == json!(0))
    })?;
    let status = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    let below = &status["nodes"][0];
    assert_eq!((&below["node"], &below["is_silent"]), (&json!("edge"), &json!(false)));
    hub.anonymous().get("/sync/v1/status")?.expect(401)?;
    let mut hedge = Command::new(repository("target/host/hedge"));
    hedge.args(["status", "--url", &hub.address(), "--user", Node::ADMIN]);
    let shown = String::from_utf8(hedge.output()?.stdout)?;
    ensure!(shown.contains("below   edge  heard of"), "hedge status shows {shown:?}");
    Ok(())
}
