//! Limits of the disk: what can be fetched again goes first, then nothing new is taken in, and
//! nothing is lost.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, Response, address, course, repository, statement};
use http::Method;
use rand::Rng;
use serde_json::{Value, json};

use crate::tree::{node, soon, under};

/// Bytes of a course's only large file: zip does not make it smaller.
const COURSE_BYTES: usize = 1_500_000;
const COURSES: [&str; 3] = ["one", "two", "three"];
/// Bytes of a statement.
const STATEMENT_BYTES: usize = 100_000;
/// More statements than any of the limits lets in.
const STATEMENTS_MAX: usize = 200;
const ROOM: &str = "1GB";

fn iri(name: &str) -> String {
    format!("https://example.org/{name}")
}

fn publish(node: &Node, name: &str) -> Result<()> {
    import(node, name)?.expect(201)?;
    Ok(())
}

fn import(node: &Node, name: &str) -> Result<Response> {
    let mut bytes = vec![0; COURSE_BYTES];
    rand::rng().fill_bytes(&mut bytes);
    let structure = course::structure(&iri(name), name);
    let files: [(&str, &[u8]); 3] = [
        ("cmi5.xml", structure.as_bytes()),
        ("index.html", course::PAGE.as_bytes()),
        ("film.bin", &bytes),
    ];
    let zip = course::archive(&files)?;
    let zip = Some(("application/zip", zip.as_slice()));
    node.admin().send(Method::POST, "/content/v1/courses", zip)
}

/// A course as the node lists it, if it does.
fn listed(node: &Node, name: &str) -> Result<Option<Value>> {
    let courses = node.admin().get("/content/v1/courses")?.expect(200)?.json()?;
    let courses = courses["courses"].as_array().context("a list of courses")?.clone();
    Ok(courses.into_iter().find(|course| course["id"] == json!(iri(name))))
}

/// A course's large file.
fn film(node: &Node, name: &str) -> Result<Response> {
    let course = listed(node, name)?.with_context(|| format!("{name} is not listed"))?;
    let package = course["package"].as_str().unwrap_or_default();
    node.content().get(&format!("/content/p/{package}/film.bin"))
}

fn large_statement() -> Value {
    statement::with(json!({ "result": { "response": "x".repeat(STATEMENT_BYTES) } }))
}

/// Posts large statements until the node refuses one; answers the ids of the others, and the
/// refusal.
fn post_until_full(node: &Node) -> Result<(Vec<String>, Response)> {
    let mut stored = Vec::new();
    for _ in 0..STATEMENTS_MAX {
        let statement = large_statement();
        let answer = node.xapi().post(statement::PATH, &statement)?;
        if answer.status != 200 {
            return Ok((stored, answer));
        }
        stored.push(statement["id"].as_str().unwrap_or_default().to_owned());
    }
    Ok((stored, node.xapi().get(statement::PATH)?))
}

fn status(node: &Node) -> Result<Value> {
    node.admin().get("/sync/v1/status")?.expect(200)?.json()
}

/// Has one node's statements reached another, each once?
fn has_all(node: &Node, ids: &[String]) -> Result<bool> {
    let there = statement::all_ids(&node.xapi())?;
    let mut once = there.clone();
    once.sort();
    once.dedup();
    ensure!(once.len() == there.len(), "a statement is there twice");
    Ok(ids.iter().all(|id| once.binary_search(id).is_ok()))
}

#[test]
fn courses_that_the_hub_has_go_first_then_nothing_is_taken_in_and_all_is_well_when_there_is_room()
-> Result<()> {
    let hub = node("hub", &["edge"])?.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).variable("storage_limit", "7MB");
    let mut edge = edge.start()?;
    publish(&edge, "own")?;
    for name in COURSES {
        publish(&hub, name)?;
        soon("the course arrives", || Ok(listed(&edge, name)?.is_some()))?;
    }

    // What learners do takes the place of courses, as far as there are any.
    let document = address(
        "/xapi/activities/state",
        &[("activityId", "https://example.org/a"), ("agent", statement::LEARNER), ("stateId", "s")],
    );
    edge.xapi().post(&document, &json!({ "page": 1 }))?.expect(204)?;
    let mut stored = Vec::new();
    soon("the courses are given up", || {
        stored.extend(post_until_full(&edge)?.0);
        Ok(status(&edge)?["storage"]["given_up"].as_array().is_some_and(|all| all.len() == 3))
    })?;
    for name in COURSES {
        let refused = film(&edge, name)?;
        assert_eq!(refused.status, 503, "{}", refused.text());
        ensure!(refused.detail()?.contains("fetched again"));
    }
    assert_eq!(film(&edge, "own")?.status, 200, "what was published here is not given up");

    let (more, refused) = post_until_full(&edge)?;
    stored.extend(more);
    assert_eq!(refused.status, 507, "{}", refused.text());
    ensure!(refused.detail()?.contains("storage_limit"), "{}", refused.text());
    // Each store looks once a second, and has what the others left it a moment ago.
    soon("imports are refused", || Ok(import(&edge, "four")?.status == 507))?;
    edge.xapi().post(&document, &json!({ "page": 2 }))?.expect(507)?;
    // Reading, deleting and sending go on.
    ensure!(has_all(&edge, &stored)?);
    edge.xapi().delete(&document)?.expect(204)?;
    soon("the hub has all that was stored", || has_all(&hub, &stored))?;
    let storage = status(&edge)?["storage"].clone();
    assert_eq!(storage["limit_bytes"], json!(7_000_000));
    ensure!(storage["used_bytes"].as_u64().is_some_and(|used| used > 6_000_000), "{storage}");
    soon("the hub knows how the edge stands", || {
        let below = status(&hub)?["nodes"][0]["storage"].clone();
        Ok(below["limit_bytes"] == json!(7_000_000)
            && below["used_bytes"].as_u64() > Some(5_000_000))
    })?;
    let mut hedge = Command::new(repository("target/host/hedge"));
    hedge.args(["status", "--url", &edge.address(), "--user", Node::ADMIN]);
    let shown = String::from_utf8(hedge.output()?.stdout)?;
    ensure!(shown.contains("of 7 MB"), "{shown}");

    edge.terminate()?;
    edge.set_variable("storage_limit", ROOM);
    edge.restart()?;
    soon("statements are taken in again", || {
        Ok(edge.xapi().post(statement::PATH, &large_statement())?.status == 200)
    })?;
    soon("the courses come back", || {
        let found: Result<Vec<_>> = COURSES.iter().map(|name| film(&edge, name)).collect();
        Ok(found?.iter().all(|film| film.status == 200 && film.body.len() == COURSE_BYTES))
    })?;
    assert_eq!(status(&edge)?["storage"]["given_up"], json!([]));
    Ok(())
}

#[test]
fn a_hub_without_room_is_sent_everything_later() -> Result<()> {
    let hub = node("hub", &["edge"])?.variable("storage_limit", "3MB");
    let mut hub = hub.start()?;
    let edge = under(node("edge", &[])?, "edge", &hub.address()).start()?;
    let mut ids = Vec::new();
    soon("the hub is full", || {
        let (stored, refused) = post_until_full(&hub)?;
        ids.extend(stored);
        Ok(refused.status == 507)
    })?;
    for _ in 0..5 {
        ids.extend(statement::store(&edge.xapi(), &json!([large_statement(), large_statement()]))?);
    }
    soon("the hub refuses", || {
        let upstream = status(&edge)?["upstream"].clone();
        let is_refused = upstream["problem"].as_str().is_some_and(|text| text.contains("507"));
        Ok(is_refused && upstream["queue"].as_u64() > Some(0))
    })?;
    let there = statement::count(&hub.xapi())?;
    ensure!(there < ids.len(), "{there} are there");
    hub.terminate()?;
    hub.set_variable("storage_limit", ROOM);
    hub.restart()?;
    soon("the hub has all", || has_all(&hub, &ids))?;
    Ok(())
}
