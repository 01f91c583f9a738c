//! Documents, persons and activities of the record store, as any xAPI client sees them (xAPI 1.0.3, part
//! three, 2.2 to 2.7 and 3.1; 2.0, 4.1.4 and 4.1.6).

use std::thread;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, statement};
use http::Method;
use serde_json::{Value, json};

use crate::launch;

const ADA: &str = r#"{"mbox":"mailto:ada@example.org"}"#;
const EVE: &str = r#"{"mbox":"mailto:eve@example.org"}"#;
const ACTIVITY: &str = "https://example.org/activities/hedge";
/// The SHA-1 of `{}`.
const EMPTY_OBJECT: &str = "bf21a9e8fbc5a3846fb05b4fa0859e0917b2202f";

const STATE: &str = "/xapi/activities/state";
const ACTIVITY_PROFILE: &str = "/xapi/activities/profile";
const AGENT_PROFILE: &str = "/xapi/agents/profile";
/// Names and values.
type Parameters<'a> = &'a [(&'a str, &'a str)];
/// Each document resource: its address, the parameters that say whose, and the one that says which.
const RESOURCES: [(&str, Parameters<'static>, &str); 3] = [
    (STATE, &[("activityId", ACTIVITY), ("agent", ADA)], "stateId"),
    (ACTIVITY_PROFILE, &[("activityId", ACTIVITY)], "profileId"),
    (AGENT_PROFILE, &[("agent", ADA)], "profileId"),
];
const VERSIONS: [&str; 2] = ["1.0.3", "2.0.0"];

fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    format!("{path}?{}", query.finish())
}

/// The address of a document of a resource.
fn document((path, whose, which): (&str, &[(&str, &str)], &str), id: &str) -> String {
    address(path, &[whose, &[(which, id)]].concat())
}

/// A state of Ada's.
fn state(id: &str) -> String {
    document(RESOURCES[0], id)
}

fn speaking(node: &Node, version: &str) -> Client {
    let client = node.anonymous().with_basic(Node::CLIENT);
    client.with_header("x-experience-api-version", version)
}

fn delete(client: &Client, path: &str) -> Result<Response> {
    client.send(Method::DELETE, path, None)
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
        let client = speaking(&node, version);
        let path = document(resource, &format!("a/b & {version}"));
        client.get(&path)?.expect(404)?;
        let media_type = "image/x-test; q=\"1\"";
        put(&client, &path, media_type, &[0, 159, 255])?;
        put(&client, &path, media_type, b"\0{}")?;
        let read = client.get(&path)?.expect(200)?;
        assert_eq!((read.body.as_slice(), read.header("content-type")), (&b"\0{}"[..], media_type));
        assert!(read.header("last-modified").ends_with(" GMT"), "{read:?}");
        assert_eq!(read.header("x-experience-api-version"), version);
        let head = client.send(Method::HEAD, &path, None)?.expect(200)?;
        assert!(head.body.is_empty());
        for name in ["etag", "content-type", "last-modified"] {
            assert_eq!(head.header(name), read.header(name));
        }
        delete(&client, &path)?.expect(204)?;
        client.get(&path)?.expect(404)?;
        delete(&client, &path)?.expect(204)?;
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
        delete(&client, &document(resource, "two"))?.expect(204)?;
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

    delete(&client, &of(&[("registration", &first)]))?.expect(204)?;
    client.get(&one(&first))?.expect(404)?;
    client.get(&one(&second))?.expect(200)?;
    delete(&client, &of(&[]))?.expect(204)?;
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
        let detail = refused.json()?["detail"].as_str().unwrap_or_default().to_owned();
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
    delete(&client, &address(AGENT_PROFILE, RESOURCES[2].1))?.expect(400)?;
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
fn json_is_merged_by_property_and_kept_as_it_was_written() -> Result<()> {
    let node = Node::start()?;
    for (version, resource) in VERSIONS.into_iter().flat_map(|v| RESOURCES.map(|r| (v, r))) {
        let (client, path) = (speaking(&node, version), document(resource, version));
        client.post(&path, &json!({ "a": { "x": 1 }, "b": [1] }))?.expect(204)?;
        // More digits than a float has.
        let more = r#"{"a": {"y": null}, "c": 0.10000000000000000000001}"#.as_bytes();
        let media_type = "Application/JSON; charset=utf-8";
        client.send(Method::POST, &path, Some((media_type, more)))?.expect(204)?;
        let merged = client.get(&path)?.expect(200)?;
        ensure!(merged.text().contains("0.10000000000000000000001"), "{}", merged.text());
        let merged = merged.json()?;
        assert_eq!(merged["a"], json!({ "y": null }));
        assert_eq!(merged["b"], json!([1]));
    }
    Ok(())
}

#[test]
fn what_cannot_be_merged_is_refused_and_changes_nothing() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let (object, text) = (state("object"), state("text"));
    put(&client, &object, "application/json", b"{\"a\":1}")?;
    put(&client, &text, "text/plain", b"{\"a\":1}")?;
    let json = "application/json";
    let refused: [(&str, &str, &[u8]); 7] = [
        (&object, "text/plain", b"{\"b\":2}"),
        (&text, json, b"{\"b\":2}"),
        (&text, "text/plain", b"{\"b\":2}"),
        (&object, json, b"{\"b\":2}{"),
        (&object, json, b"[1]"),
        (&object, json, b"\"\xff\""),
        (&state("new"), json, b"{"),
    ];
    for (path, media_type, content) in refused {
        let answer = client.send(Method::POST, path, Some((media_type, content)))?.expect(400)?;
        ensure!(!answer.text().is_empty());
    }
    for path in [object, text] {
        assert_eq!(client.get(&path)?.expect(200)?.text(), "{\"a\":1}");
    }
    client.get(&state("new"))?.expect(404)?;
    // Of another type it is none of ours; and a PUT may be any JSON, as long as it is.
    client.send(Method::POST, &state("new"), Some(("text/plain", b"{")))?.expect(204)?;
    client.put(&state("list"), &json!([1]))?.expect(204)?;
    client.send(Method::PUT, &state("list"), Some((json, b"[1")))?.expect(400)?;
    Ok(())
}

#[test]
fn a_put_without_a_condition_overwrites_no_profile() -> Result<()> {
    let node = Node::start()?;
    // For a new document, for one that is there: 2.0 treats states as 1.0.3 does profiles, once they are.
    for (version, of_state, of_profile) in
        [("1.0.3", [204, 204], [400, 409]), ("2.0.0", [204, 409], [204, 409])]
    {
        let client = speaking(&node, version);
        for resource in RESOURCES {
            let path = document(resource, version);
            let [new, taken] = if resource.2 == "stateId" { of_state } else { of_profile };
            client.put(&path, &json!({ "a": 1 }))?.expect(new)?;
            put(&client, &path, "application/json", b"{}")?;
            let answer = client.put(&path, &json!({ "a": 2 }))?.expect(taken)?;
            if taken == 409 {
                ensure!(answer.text().contains("If-Match"), "{}", answer.text());
                assert_eq!(client.get(&path)?.expect(200)?.json()?, json!({}));
            }
        }
    }
    Ok(())
}

#[test]
fn conditions_hold_or_nothing_changes() -> Result<()> {
    let node = Node::start()?;
    let (ours, weak) = (format!("\"{EMPTY_OBJECT}\""), format!("W/\"{EMPTY_OBJECT}\""));
    let list = format!("\"a\" , {ours},\"b\"");
    // The header, and what it makes of a change to the document `{}`, to none, and of a read.
    let conditions = [
        ("if-match", ours.as_str(), 204, 412, 200),
        ("if-match", EMPTY_OBJECT, 204, 412, 200),
        ("if-match", "*", 204, 412, 200),
        ("if-match", &list, 204, 412, 200),
        ("if-match", "\"a\"", 412, 412, 412),
        ("if-match", &weak, 412, 412, 412),
        ("if-match", "\"a", 400, 400, 400),
        ("if-none-match", "*", 412, 204, 304),
        ("if-none-match", &ours, 412, 204, 304),
        ("if-none-match", &weak, 412, 204, 304),
        ("if-none-match", "\"a\", W/\"b\"", 204, 204, 200),
    ];
    for (resource, (name, value, there, absent, read)) in
        RESOURCES.into_iter().flat_map(|r| conditions.map(|c| (r, c)))
    {
        let what = || format!("{} with {name}: {value}", resource.0);
        let client = node.xapi();
        let conditional = client.clone().with_header(name, value);
        let (here, new) = (document(resource, "here"), document(resource, "new"));
        put(&client, &here, "application/json", b"{}")?;
        assert_eq!(client.get(&here)?.header("etag"), ours);
        let answer = conditional.get(&here)?.expect(read).with_context(what)?;
        ensure!(read == 200 || answer.body != b"{}", "{}", what());
        for method in [Method::PUT, Method::POST, Method::DELETE] {
            let body = (method != Method::DELETE).then_some(("application/json", &b"{}"[..]));
            conditional.send(method.clone(), &here, body)?.expect(there).with_context(what)?;
            if there != 204 {
                assert_eq!(client.get(&here)?.expect(200)?.text(), "{}");
            }
            put(&client, &here, "application/json", b"{}")?;
            conditional.send(method, &new, body)?.expect(absent).with_context(what)?;
            delete(&client, &new)?.expect(204)?;
        }
    }
    Ok(())
}

#[test]
fn two_conditions_at_once_are_refused() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi().with_header("if-match", "*").with_header("if-none-match", "*");
    client.put(&state("s"), &json!({}))?.expect(400)?;
    // And all states at once have no ETag.
    let all = address(STATE, RESOURCES[0].1);
    delete(&node.xapi().with_header("if-match", "*"), &all)?.expect(400)?;
    Ok(())
}

#[test]
fn of_merges_at_the_same_time_none_is_lost() -> Result<()> {
    const WRITERS: usize = 8;
    const POSTS: usize = 8;
    let node = Node::start()?;
    let (client, path) = (node.xapi(), document(RESOURCES[2], "shared"));
    let write = |writer: usize| -> Result<()> {
        for post in 0..POSTS {
            let name = format!("{writer}-{post}");
            client.post(&path, &json!({ name: post }))?.expect(204)?;
        }
        Ok(())
    };
    in_parallel(WRITERS, &write)?;
    let merged = client.get(&path)?.expect(200)?.json()?;
    assert_eq!(merged.as_object().map(|merged| merged.len()), Some(WRITERS * POSTS));
    Ok(())
}

#[test]
fn of_changes_to_the_same_version_one_wins() -> Result<()> {
    const WRITERS: usize = 8;
    let node = Node::start()?;
    let (client, path) = (node.xapi(), document(RESOURCES[1], "contested"));
    put(&client, &path, "application/json", b"{}")?;
    let current = format!("\"{EMPTY_OBJECT}\"");
    for (name, value) in [("if-match", current.as_str()), ("if-none-match", "*")] {
        let conditional = client.clone().with_header(name, value);
        let winners = in_parallel(WRITERS, &|writer| {
            let answer = conditional.put(&path, &json!({ "writer": writer }))?;
            ensure!([204, 412].contains(&answer.status.as_u16()), "{answer:?}");
            Ok((answer.status == 204).then_some(writer))
        })?;
        let winners: Vec<_> = winners.into_iter().flatten().collect();
        ensure!(winners.len() == 1, "{winners:?} won with {name}: {value}");
        let kept = client.get(&path)?.expect(200)?.json()?;
        assert_eq!(kept, json!({ "writer": winners[0] }));
        delete(&client, &path)?.expect(204)?;
    }
    Ok(())
}

/// Does something in as many threads.
fn in_parallel<T: Send>(
    count: usize,
    work: &(impl Fn(usize) -> Result<T> + Sync),
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|n| scope.spawn(move || work(n))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a thread panicked")?).collect()
    })
}

#[test]
fn documents_and_deletions_survive_a_kill() -> Result<()> {
    let mut node = Node::start()?;
    let client = node.xapi();
    for resource in RESOURCES {
        for id in ["kept", "deleted"] {
            put(&client, &document(resource, id), "application/json", b"{}")?;
        }
        delete(&client, &document(resource, "deleted"))?.expect(204)?;
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

#[test]
fn a_person_has_the_names_that_statements_give() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let person = |agent: &str| -> Result<Value> {
        client.get(&address("/xapi/agents", &[("agent", agent)]))?.expect(200)?.json()
    };
    let mbox = json!(["mailto:ada@example.org"]);
    assert_eq!(person(ADA)?, json!({ "objectType": "Person", "mbox": mbox }));
    statement::post(&client, &statement::new_id())?;
    assert_eq!(person(ADA)?, json!({ "objectType": "Person", "name": ["Ada"], "mbox": mbox }));
    let account = json!({ "homePage": "https://example.org", "name": "al" });
    let al = json!({ "name": "Al", "account": account }).to_string();
    let expected = json!({ "objectType": "Person", "name": ["Al"], "account": [account] });
    assert_eq!(person(&al)?, expected);

    let group = r#"{"objectType":"Group","mbox":"mailto:all@example.org"}"#;
    for parameters in [&[][..], &[("agent", group)], &[("agent", "{}")], &[("agent", "ada")]] {
        client.get(&address("/xapi/agents", parameters))?.expect(400)?;
    }
    client.get(&address("/xapi/agents", &[("agent", ADA), ("x", "y")]))?.expect(400)?;
    client.post("/xapi/agents", &json!({}))?.expect(405)?;
    Ok(())
}

#[test]
fn an_activity_has_all_that_statements_tell_of_it() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let path = address("/xapi/activities", &[("activityId", ACTIVITY)]);
    let unknown = client.get(&path)?.expect(200)?;
    assert_eq!(unknown.json()?, json!({ "objectType": "Activity", "id": ACTIVITY }));
    statement::post(&client, &statement::new_id())?;
    let mut other = statement::experienced(&statement::new_id());
    other["object"] = json!({ "id": ACTIVITY, "definition": { "name": { "ga": "An claí" } } });
    client.post("/xapi/statements", &other)?.expect(200)?;
    let known = client.get(&path)?.expect(200)?;
    let names = known.json()?.pointer("/definition/name").cloned();
    assert_eq!(names, Some(json!({ "en": "The hedge", "ga": "An claí" })));

    let again = client.clone().with_header("if-none-match", known.header("etag"));
    again.get(&path)?.expect(304)?;
    assert_ne!(unknown.header("etag"), known.header("etag"));
    client.get("/xapi/activities")?.expect(400)?;
    client.get(&address("/xapi/activities", &[("activityId", "true")]))?.expect(400)?;
    client.put(&path, &json!({}))?.expect(405)?;
    Ok(())
}

#[test]
fn clients_have_the_documents_of_their_scopes() -> Result<()> {
    let node = Node::start()?;
    let [of_state, of_activity, of_agent] = RESOURCES.map(|resource| document(resource, "d"));
    for path in [&of_state, &of_activity, &of_agent] {
        put(&node.xapi(), path, "application/json", b"{}")?;
    }
    let agents = address("/xapi/agents", &[("agent", ADA)]);
    let activities = address("/xapi/activities", &[("activityId", ACTIVITY)]);
    // What reading states, profiles, persons and activities answers, and merging states and profiles.
    let table = [
        ("state", [200, 403, 403, 403, 403], [204, 403, 403]),
        ("profile", [403, 200, 200, 200, 200], [403, 204, 204]),
        ("statements/read/mine", [403, 403, 403, 200, 200], [403, 403, 403]),
        ("all/read", [200, 200, 200, 200, 200], [403, 403, 403]),
        ("all", [200, 200, 200, 200, 200], [204, 204, 204]),
        ("statements/write", [403, 403, 403, 403, 403], [403, 403, 403]),
    ];
    for (scope, reads, merges) in table {
        let added =
            node.admin().post("/auth/clients", &json!({ "scopes": [scope] }))?.expect(201)?;
        let added = added.json()?;
        let text = |name: &str| added[name].as_str().map(str::to_owned).context("no credentials");
        let client = node.anonymous().with_header("x-experience-api-version", "1.0.3");
        let client = client.with_basic(&format!("{}:{}", text("key")?, text("secret")?));
        let paths = [&of_state, &of_activity, &of_agent, &agents, &activities];
        for (path, status) in paths.into_iter().zip(reads) {
            client.get(path)?.expect(status).with_context(|| format!("{scope} reads {path}"))?;
        }
        for (path, status) in [&of_state, &of_activity, &of_agent].into_iter().zip(merges) {
            let merged = client.post(path, &json!({}))?.expect(status);
            merged.with_context(|| format!("{scope} merges into {path}"))?;
        }
    }
    let stranger = node.anonymous().with_header("x-experience-api-version", "1.0.3");
    for path in [&of_state, &of_activity, &of_agent, &agents, &activities] {
        stranger.get(path)?.expect(401)?;
    }
    Ok(())
}

#[test]
fn a_launched_unit_has_the_documents_of_its_learner() -> Result<()> {
    let (node, browser) = launch::classroom()?;
    let launch = launch::launch(&browser)?;
    let unit = launch::unit(&node, &launch)?;
    let (own, registration) = (launch["actor"].as_str(), launch["registration"].as_str());
    let states = |agent: &str, registration: &str, id: &str| {
        let of = [("activityId", ACTIVITY), ("agent", agent), ("registration", registration)];
        document((STATE, &of, "stateId"), id)
    };
    let profile = |agent: &str| document((AGENT_PROFILE, &[("agent", agent)], "profileId"), "p");
    let elsewhere = statement::new_id();
    for path in [states(own, registration, "bookmark"), profile(own)] {
        put(&unit, &path, "application/json", b"{}")?;
        unit.post(&path, &json!({ "a": 1 }))?.expect(204)?;
        assert_eq!(unit.get(&path)?.expect(200)?.json()?, json!({ "a": 1 }));
    }
    let foreign = [
        states(EVE, registration, "s"),
        states(own, &elsewhere, "s"),
        document((STATE, &[("activityId", ACTIVITY), ("agent", own)], "stateId"), "s"),
        profile(EVE),
    ];
    for path in foreign {
        unit.get(&path)?.expect(403)?;
        unit.post(&path, &json!({}))?.expect(403)?;
        delete(&unit, &path)?.expect(403)?;
    }
    // How it was launched is for it to read, and so are the profiles of activities.
    let all = states(own, registration, "").replace("&stateId=", "");
    for path in [states(own, registration, "LMS.LaunchData"), document(RESOURCES[1], "p")] {
        put(&node.xapi(), &path, "application/json", b"{}")?;
        unit.get(&path)?.expect(200)?;
        unit.post(&path, &json!({}))?.expect(403)?;
        delete(&unit, &path)?.expect(403)?;
    }
    assert_eq!(unit.get(&all)?.expect(200)?.json()?, json!(["LMS.LaunchData", "bookmark"]));
    delete(&unit, &all)?.expect(403)?;
    unit.get(&address("/xapi/agents", &[("agent", own)]))?.expect(200)?;
    unit.get(&address("/xapi/agents", &[("agent", EVE)]))?.expect(403)?;
    unit.get(&address("/xapi/activities", &[("activityId", ACTIVITY)]))?.expect(200)?;

    let learner = node.anonymous().with_basic("ada:a-long-password");
    let learner = learner.with_header("x-experience-api-version", "1.0.3");
    learner.get(&states(own, registration, "bookmark"))?.expect(200)?;
    learner.post(&states(own, registration, "bookmark"), &json!({}))?.expect(403)?;
    learner.get(&states(EVE, registration, "bookmark"))?.expect(403)?;
    learner.get(&profile(own))?.expect(200)?;
    learner.get(&address("/xapi/agents", &[("agent", EVE)]))?.expect(403)?;
    Ok(())
}
