//! How much of a statement is answered: `format` (xAPI 1.0.3, part three, 2.1.3).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, address, statement};
use http::Method;
use serde_json::{Value, json};

use super::{STATEMENTS, VERSIONS};

const HEDGE: &str = "https://example.org/hedge";

fn read(client: &Client, id: &str, format: &str) -> Result<Value> {
    let path = address(STATEMENTS, &[("statementId", id), ("format", format)]);
    client.get(&path)?.expect(200)?.json()
}

/// Stores a statement; answers its id.
fn store(client: &Client, statement: &Value) -> Result<String> {
    Ok(statement::store(client, statement)?.remove(0))
}

/// A statement that says more than it needs to of everything.
fn talkative() -> Value {
    let agent = |name: &str| {
        let mbox = format!("mailto:{name}@example.org");
        json!({ "objectType": "Agent", "name": name, "mbox": mbox })
    };
    let activity = |name: &str| {
        json!({
            "objectType": "Activity",
            "id": format!("{HEDGE}/{name}"),
            "definition": { "name": { "en": name, "ga": name },
                "type": "https://example.org/type" },
        })
    };
    let group = |member: Value| json!({ "objectType": "Group", "name": "All", "member": member });
    let verb =
        json!({ "id": "https://example.org/did", "display": { "en": "did", "ga": "rinne" } });
    statement::with(json!({
        "actor": group(json!([agent("ada"), agent("eve")])),
        "verb": verb,
        "object": {
            "objectType": "SubStatement",
            "actor": {
                "objectType": "Group", "name": "Class", "mbox": "mailto:class@example.org",
                "member": [agent("bob")],
            },
            "verb": verb,
            "object": activity("planned"),
        },
        "result": { "response": "yes" },
        "context": {
            "instructor": {
                "name": "Ida", "account": { "homePage": "https://example.org", "name": "ida" },
            },
            "team": group(json!([agent("tom")])),
            "contextActivities": { "parent": [activity("parent")], "other": [activity("other")] },
            "language": "en",
        },
    }))
}

#[test]
fn exact_is_what_was_sent_to_the_letter() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let (client, id) = (node.speaking(version), statement::new_id());
        let members = [
            r#""actor":{"mbox" : "mailto:ada@example.org",  "name":"\u00c1da\/\ud83c\udf3f"}"#,
            r#""verb":{"display":{"en":"did"},"id":"https://example.org/did"}"#,
            r#""object":{"id":"https://example.org/%C3%BC?a=b","definition":{"extensions":{"https://example.org/x":[1.0,1e2,-0.0,0.10000000000000000000001,123456789012345678901234567890,null,{"b":1,"a":2}]}}}"#,
            r#""result":{"score":{"raw":1.50,"scaled":1E-1},"response":"\t\"\\u0041"}"#,
            r#""timestamp":"2026-01-01T12:00:00.123456789+05:30""#,
        ];
        let sent = format!("{{\"id\":\"{id}\",\n{}}}", members.join(" , "));
        let body = Some(("application/json; charset=utf-8", sent.as_bytes()));
        client.send(Method::POST, STATEMENTS, body)?.expect(200)?;
        let one = client.get(&statement::one(&id))?.expect(200)?.text();
        let all = client.get(&address(STATEMENTS, &[("format", "exact")]))?.expect(200)?.text();
        for member in members {
            ensure!(one.contains(member), "{one} has not {member}");
            ensure!(all.contains(member), "{all} has not {member}");
        }
    }
    Ok(())
}

#[test]
fn exact_is_what_is_answered_unless_another_is_asked_for() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let id = store(&client, &talkative())?;
    let plain = client.get(&statement::one(&id))?.expect(200)?.json()?;
    assert_eq!(read(&client, &id, "exact")?, plain);
    Ok(())
}

#[test]
fn ids_say_who_and_what_and_no_more() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let sent = talkative();
        let id = store(&client, &sent)?;
        let found = read(&client, &id, "ids")?;
        let by_mail = |name: &str| json!({ "mbox": format!("mailto:{name}@example.org") });
        let verb = json!({ "id": "https://example.org/did" });
        let expected = [
            ("actor", json!({ "objectType": "Group", "member": [by_mail("ada"), by_mail("eve")] })),
            ("verb", verb.clone()),
            (
                "object",
                json!({
                    "objectType": "SubStatement",
                    "actor": { "objectType": "Group", "mbox": "mailto:class@example.org" },
                    "verb": verb,
                    "object": { "id": format!("{HEDGE}/planned") },
                }),
            ),
            ("result", sent["result"].clone()),
            (
                "context",
                json!({
                    "instructor": { "account": sent["context"]["instructor"]["account"] },
                    "team": { "objectType": "Group", "member": [by_mail("tom")] },
                    "contextActivities": {
                        "parent": [{ "id": format!("{HEDGE}/parent") }],
                        "other": [{ "id": format!("{HEDGE}/other") }],
                    },
                    "language": "en",
                }),
            ),
        ];
        for (name, expected) in expected {
            assert_eq!(found[name], expected, "{name}");
        }
        assert_eq!(found["authority"].as_object().map(|authority| authority.len()), Some(1));
    }
    Ok(())
}

#[test]
fn an_agent_that_is_an_object_says_so_among_ids() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let bob = json!({ "objectType": "Agent", "name": "Bob", "mbox": "mailto:bob@example.org" });
    let id = store(&client, &statement::with(json!({ "object": bob })))?;
    let expected = json!({ "objectType": "Agent", "mbox": "mailto:bob@example.org" });
    assert_eq!(read(&client, &id, "ids")?["object"], expected);
    let about = store(&client, &statement::about(&id))?;
    let expected = json!({ "objectType": "StatementRef", "id": id });
    assert_eq!(read(&client, &about, "ids")?["object"], expected);
    Ok(())
}

#[test]
fn canonical_activities_have_what_all_statements_told_of_them() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let about = |definition: Value| {
        statement::with(json!({ "object": { "id": HEDGE, "definition": definition } }))
    };
    let first = store(&client, &about(json!({ "type": "https://example.org/type" })))?;
    let bare = store(&client, &statement::with(json!({ "object": { "id": HEDGE } })))?;
    store(&client, &about(json!({ "name": { "en": "Hedge" }, "moreInfo": HEDGE })))?;
    let parent = json!({ "contextActivities": { "parent": [{ "id": HEDGE }] } });
    let child = json!({ "id": "https://example.org/child" });
    let child = store(&client, &statement::with(json!({ "object": child, "context": parent })))?;
    let expected = json!({
        "id": HEDGE,
        "definition": {
            "name": { "en": "Hedge" }, "moreInfo": HEDGE, "type": "https://example.org/type",
        },
    });
    for id in [&first, &bare] {
        assert_eq!(read(&client, id, "canonical")?["object"], expected);
    }
    let child = read(&client, &child, "canonical")?;
    assert_eq!(child["context"]["contextActivities"]["parent"], json!([expected]));
    assert_eq!(child["object"], json!({ "id": "https://example.org/child" }));
    assert_eq!(read(&client, &bare, "exact")?["object"], json!({ "id": HEDGE }));
    Ok(())
}

#[test]
fn canonical_texts_are_in_the_language_that_is_liked_best() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let words = |word: &str| json!({ "en-GB": word, "ga": word, "de": word });
    let id = store(
        &client,
        &statement::with(json!({
            "verb": { "id": "https://example.org/did", "display": words("did") },
            "object": {
                "id": HEDGE,
                "definition": {
                    "name": words("hedge"),
                    "description": words("green"),
                    "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
                    "interactionType": "choice",
                    "choices": [{ "id": "a", "description": words("a") }],
                },
            },
        })),
    )?;
    let cases = [
        ("ga", "ga"),
        ("de;q=0.5, ga;q=0.8", "ga"),
        ("en", "en-GB"),
        ("en-US, de;q=0.1", "de"),
        ("en-US", "en-GB"),
        ("GA-ie;q=0.2, *;q=0.1", "ga"),
        ("fr, *;q=0.1, ga;q=0, en;q=0", "de"),
    ];
    for (accepted, language) in cases {
        let client = client.clone().with_header("accept-language", accepted);
        let found = read(&client, &id, "canonical")?;
        let one = |word: &str| json!({ language: word });
        let definition = &found["object"]["definition"];
        assert_eq!(found["verb"]["display"], one("did"), "{accepted}");
        assert_eq!(definition["name"], one("hedge"), "{accepted}");
        assert_eq!(definition["description"], one("green"), "{accepted}");
        assert_eq!(definition["choices"][0]["description"], one("a"), "{accepted}");
    }
    // Who likes none, or says nothing, gets one as well.
    for accepted in ["fr", "*;q=0", "not a language!", ""] {
        let client = client.clone().with_header("accept-language", accepted);
        let display = read(&client, &id, "canonical")?["verb"]["display"].clone();
        assert_eq!(display.as_object().map(|map| map.len()), Some(1), "{accepted:?}");
    }
    Ok(())
}

#[test]
fn agents_are_as_they_were_sent_among_canonical_ones() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let sent = talkative();
    let id = store(&client, &sent)?;
    let found = read(&client, &id, "canonical")?;
    assert_eq!(found["actor"], sent["actor"]);
    assert_eq!(found["context"]["team"], sent["context"]["team"]);
    assert_eq!(found["object"]["actor"], sent["object"]["actor"]);
    Ok(())
}

#[test]
fn pages_are_in_the_format_too() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi().with_header("accept-language", "ga");
    let id = store(&client, &talkative())?;
    for format in ["exact", "ids", "canonical"] {
        let page = client.get(&address(STATEMENTS, &[("format", format)]))?.expect(200)?.json()?;
        let first = page["statements"].get(0).context("an empty page")?;
        assert_eq!(*first, read(&client, &id, format)?, "{format}");
    }
    Ok(())
}

#[test]
fn one_activity_of_a_context_is_answered_as_a_list() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let single = json!({ "contextActivities": { "parent": { "id": HEDGE } } });
        let sent = statement::with(json!({ "context": single }));
        let id = store(&client, &sent)?;
        for format in ["exact", "ids", "canonical"] {
            let found = read(&client, &id, format)?;
            let parent = &found["context"]["contextActivities"]["parent"];
            assert_eq!(*parent, json!([{ "id": HEDGE }]), "{format}");
        }
    }
    Ok(())
}
