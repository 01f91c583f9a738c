//! State and profile documents (xAPI 1.0.3, part three, 2.2, 2.3, 2.6 and 2.7).

mod access;
mod conditions;
mod merging;

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Node, Response, address, statement};
use http::Method;
use serde_json::{Value, json};

use super::{ACTIVITY, ADA, VERSIONS};

/// The SHA-1 of `{}`.
const EMPTY_OBJECT: &str = "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f";

const STATE: &str = "/xapi/activities/state";
const ACTIVITY_PROFILE: &str = "/xapi/activities/profile";
const AGENT_PROFILE: &str = "/xapi/agents/profile";
/// Names and values.
type Parameters<'a> = &'a [(&'a str, &'a str)];
/// Each document resource: its address, the parameters that say whose, and the one that says
/// which.
pub const RESOURCES: [(&str, Parameters<'static>, &str); 3] = [
    (STATE, &[("activityId", ACTIVITY), ("agent", ADA)], "stateId"),
    (ACTIVITY_PROFILE, &[("activityId", ACTIVITY)], "profileId"),
    (AGENT_PROFILE, &[("agent", ADA)], "profileId"),
];

/// The address of a document of a resource.
pub fn document((path, whose, which): (&str, &[(&str, &str)], &str), id: &str) -> String {
    address(path, &[whose, &[(which, id)]].concat())
}

/// A state of Ada's.
fn state(id: &str) -> String {
    document(RESOURCES[0], id)
}

/// Stores a document, whatever is there.
fn put(client: &Client, path: &str, media_type: &str, content: &[u8]) -> Result<Response> {
    let is_there = client.get(path)?.status == 200;
    let condition = if is_there { ("if-match", "*") } else { ("if-none-match", "*") };
    let client = client.clone().with_header(condition.0, condition.1);
    client.send(Method::PUT, path, Some((media_type, content)))?.expect(204)
}

#[test]
fn documents_are_kept_as_they_came_until_they_are_deleted() -> Result<()> {
    let node = Node::start()?;
    for (version, resource) in VERSIONS.into_iter().flat_map(|v| RESOURCES.map(|r| (v, r))) {
        let client = node.speaking(version);
        let path = document(resource, &format!("a/b & {version}"));
        client.get(&path)?.expect(404)?;
        let media_type = "image/x-test; q=\"1\"";
        put(&client, &path, media_type, &[0, 159, 255])?;
        put(&client, &path, media_type, b"\0{}")?;
        let read = client.get(&path)?.expect(200)?;
        assert_eq!((read.body.as_slice(), read.header("content-type")), (&b"\0{}"[..], media_type));
        assert!(read.header("last-modified").ends_with(" GMT"), "{read:?}");
        assert_eq!(read.header("x-experience-api-version"), version);
        let head = client.head(&path)?.expect(200)?;
        assert!(head.body.is_empty());
        for name in ["etag", "content-type", "last-modified"] {
            assert_eq!(head.header(name), read.header(name));
        }
        client.delete(&path)?.expect(204)?;
        client.get(&path)?.expect(404)?;
        client.delete(&path)?.expect(204)?;
    }
    Ok(())
}

#[test]
fn the_ids_of_documents_are_listed() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    for resource in RESOURCES {
        let (path, whose, _) = resource;
        let list = |more: &[(&str, &str)]| -> Result<Value> {
            client.get(&address(path, &[whose, more].concat()))?.expect(200)?.json()
        };
        assert_eq!(list(&[])?, json!([]));
        for id in ["two", "one"] {
            put(&client, &document(resource, id), "text/plain", b"x")?;
        }
        assert_eq!(list(&[])?, json!(["one", "two"]));
        assert_eq!(list(&[("since", "2020-01-01T00:00:00+01:00")])?, json!(["one", "two"]));
        assert_eq!(list(&[("since", "2999-01-01T00:00:00Z")])?, json!([]));
        client.delete(&document(resource, "two"))?.expect(204)?;
        assert_eq!(list(&[])?, json!(["one"]));
    }
    Ok(())
}

#[test]
fn states_are_apart_by_registration() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let (first, second) = (statement::new_id(), statement::new_id());
    let loud = first.to_uppercase();
    let of = |more: &[(&str, &str)]| address(STATE, &[RESOURCES[0].1, more].concat());
    let one = |registration| of(&[("stateId", "s"), ("registration", registration)]);
    for (path, content) in [(state("s"), "none"), (one(&first), "1"), (one(&second), "2")] {
        put(&client, &path, "text/plain", content.as_bytes())?;
    }
    assert_eq!(client.get(&state("s"))?.expect(200)?.text(), "none");
    assert_eq!(client.get(&one(&loud))?.expect(200)?.text(), "1");
    assert_eq!(client.get(&of(&[]))?.expect(200)?.json()?, json!(["s"]));

    client.delete(&of(&[("registration", &first)]))?.expect(204)?;
    client.get(&one(&first))?.expect(404)?;
    client.get(&one(&second))?.expect(200)?;
    client.delete(&of(&[]))?.expect(204)?;
    client.get(&one(&second))?.expect(404)?;
    client.get(&state("s"))?.expect(404)?;
    Ok(())
}

#[test]
fn requests_that_make_no_sense_are_refused_with_the_reason() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let whose: &[(&'static str, &'static str)] = RESOURCES[0].1;
    let with = |more: &[(&'static str, &'static str)]| [whose, more].concat();
    let anonymous_group = r#"{"objectType":"Group","member":[]}"#;
    type Wrong<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);
    let wrong: [Wrong; 15] = [
        (STATE, vec![("agent", ADA), ("stateId", "s")], "activityId"),
        (STATE, vec![("activityId", ACTIVITY), ("stateId", "s")], "agent"),
        (STATE, vec![("activityId", "hedge"), ("agent", ADA), ("stateId", "s")], "activityId"),
        (STATE, vec![("activityId", ACTIVITY), ("agent", "{"), ("stateId", "s")], "agent"),
        (STATE, vec![("activityId", ACTIVITY), ("agent", "{}"), ("stateId", "s")], "agent"),
        (STATE, with(&[("stateId", "s"), ("registration", "1")]), "registration"),
        (STATE, with(&[("stateId", "")]), "stateId"),
        (STATE, with(&[("stateid", "s")]), "stateid"),
        (STATE, with(&[("profileId", "s")]), "profileId"),
        (STATE, with(&[("since", "2026-01-01")]), "since"),
        (STATE, with(&[("stateId", "s"), ("since", "2026-01-01T00:00:00Z")]), "since"),
        (AGENT_PROFILE, vec![("agent", anonymous_group), ("profileId", "p")], "agent"),
        (AGENT_PROFILE, whose.to_vec(), "activityId"),
        (ACTIVITY_PROFILE, with(&[("registration", "x")]), "agent"),
        (ACTIVITY_PROFILE, vec![], "activityId"),
    ];
    for (path, parameters, named) in wrong {
        let refused = client.get(&address(path, &parameters))?.expect(400)?;
        let detail = refused.detail()?;
        ensure!(detail.contains(named), "{path} {parameters:?} is refused with {detail:?}");
    }
    for (path, whose, which) in RESOURCES {
        let all = address(path, whose);
        for method in [Method::PUT, Method::POST] {
            let refused = client.send(method, &all, Some(("text/plain", b"x")))?.expect(400)?;
            ensure!(refused.text().contains(which), "{}", refused.text());
        }
        let patched = client.send(Method::PATCH, &all, Some(("text/plain", b"x")))?.expect(405)?;
        ensure!(patched.header("allow").contains("PUT"), "{patched:?}");
    }
    // Only states are deleted all at once.
    client.delete(&address(AGENT_PROFILE, RESOURCES[2].1))?.expect(400)?;
    Ok(())
}

#[test]
fn what_is_too_large_is_refused_and_what_is_not_is_kept() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let largest = vec![b'x'; 4 << 20];
    put(&client, &state("s"), "text/plain", &largest)?;
    ensure!(client.get(&state("s"))?.expect(200)?.body == largest);
    let larger = [largest, vec![b'x']].concat();
    client.send(Method::PUT, &state("s"), Some(("text/plain", &larger)))?.expect(413)?;

    let half = |name: &str| json!({ name: "x".repeat(3 << 20) });
    client.post(&state("j"), &half("a"))?.expect(204)?;
    client.post(&state("j"), &half("b"))?.expect(413)?;
    assert_eq!(client.get(&state("j"))?.expect(200)?.json()?, half("a"));
    Ok(())
}

#[test]
fn documents_and_deletions_survive_a_kill() -> Result<()> {
    let mut node = Node::start()?;
    let client = node.xapi();
    for resource in RESOURCES {
        for id in ["kept", "deleted"] {
            put(&client, &document(resource, id), "application/json", b"{}")?;
        }
        client.delete(&document(resource, "deleted"))?.expect(204)?;
        client.post(&document(resource, "kept"), &json!({ "a": 1 }))?.expect(204)?;
    }
    node.kill()?;
    node.restart()?;
    for resource in RESOURCES {
        let kept = client.get(&document(resource, "kept"))?.expect(200)?;
        assert_eq!(kept.json()?, json!({ "a": 1 }));
        client.get(&document(resource, "deleted"))?.expect(404)?;
    }
    Ok(())
}
