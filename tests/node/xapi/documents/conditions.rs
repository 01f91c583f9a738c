//! `If-Match` and `If-None-Match` (xAPI 1.0.3, part three, 3.1; 2.0, 4.1.4).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, address, in_parallel};
use http::Method;
use serde_json::json;

use super::{EMPTY_OBJECT, RESOURCES, STATE, document, put, state};

#[test]
fn a_put_without_a_condition_overwrites_no_profile() -> Result<()> {
    let node = Node::start()?;
    // For a new document, for one that is there: 2.0 treats states as 1.0.3 does profiles, once
    // they are.
    for (version, of_state, of_profile) in
        [("1.0.3", [204, 204], [400, 409]), ("2.0.0", [204, 409], [204, 409])]
    {
        let client = node.speaking(version);
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
            client.delete(&new)?.expect(204)?;
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
    node.xapi().with_header("if-match", "*").delete(&all)?.expect(400)?;
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
        client.delete(&path)?.expect(204)?;
    }
    Ok(())
}
