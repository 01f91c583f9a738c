//! Recording statements: all or none, and each once (xAPI 1.0.3, part two, 2.3.1; part three,
//! 2.1.1 and 2.1.2).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, in_parallel, statement};
use serde_json::{Value, json};

use super::{STATEMENTS, VERSIONS};

/// Puts a statement under its id.
fn put(client: &Client, statement: &Value) -> Result<Response> {
    client.put(&statement::one(statement["id"].as_str().context("no id")?), statement)
}

/// Another statement under the same id.
fn other(id: &str) -> Value {
    let mut other = statement::experienced(id);
    other["verb"] = json!({ "id": "https://example.org/failed" });
    other
}

fn fresh(count: usize) -> Vec<Value> {
    (0..count).map(|_| statement::with(json!({}))).collect()
}

fn ids(statements: &[Value]) -> Vec<String> {
    statements.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_same_again_is_fine_and_changes_nothing() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let (client, id) = (node.speaking(version), statement::new_id());
        statement::post(&client, &id)?;
        let first = client.get(&statement::one(&id))?.expect(200)?.text();
        statement::post(&client, &id)?;
        let answer = put(&client, &statement::experienced(&id))?.expect(204)?;
        ensure!(answer.body.is_empty(), "{answer:?}");
        assert_eq!(client.get(&statement::one(&id))?.expect(200)?.text(), first);
    }
    assert_eq!(statement::count(&node.xapi())?, VERSIONS.len());
    Ok(())
}

#[test]
fn what_does_not_tell_statements_apart_makes_no_conflict() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    let mut sent = statement::experienced(&id);
    sent["timestamp"] = json!("2026-01-01T12:00:00Z");
    client.post(STATEMENTS, &sent)?.expect(200)?;
    let first = client.get(&statement::one(&id))?.expect(200)?.text();
    let changes = [
        ("id", json!(id.to_uppercase())),
        ("timestamp", json!("2026-01-01T13:00:00+01:00")),
        ("stored", json!("2001-01-01T00:00:00Z")),
        ("authority", json!({ "mbox": "mailto:eve@example.org" })),
        ("version", json!("1.0.1")),
        ("verb", json!({ "id": sent["verb"]["id"], "display": { "de": "erlebte" } })),
        ("object", json!({ "id": sent["object"]["id"] })),
    ];
    for (name, value) in changes {
        let mut same = sent.clone();
        same[name] = value;
        client.post(STATEMENTS, &same)?.expect(200).context(name)?;
    }
    assert_eq!(client.get(&statement::one(&id))?.expect(200)?.text(), first);
    // As it is read it can be sent again.
    client.post(STATEMENTS, &serde_json::from_str(&first)?)?.expect(200)?;
    assert_eq!(statement::count(&client)?, 1);
    Ok(())
}

#[test]
fn another_statement_under_its_id_is_a_conflict_and_the_first_stands() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let (client, id) = (node.speaking(version), statement::new_id());
        statement::post(&client, &id)?;
        let first = client.get(&statement::one(&id))?.expect(200)?.text();
        let mut loud = other(&id.to_uppercase());
        let posted = client.post(STATEMENTS, &loud)?.expect(409)?;
        ensure!(posted.detail()?.contains(&id), "{posted:?}");
        loud["id"] = json!(id);
        let refused = put(&client, &loud)?.expect(409)?;
        ensure!(refused.detail()?.contains(&id), "{refused:?}");
        assert_eq!(client.get(&statement::one(&id))?.expect(200)?.text(), first);
    }
    Ok(())
}

#[test]
fn a_conflict_sinks_its_batch_and_is_named_alone() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let known = fresh(3);
    statement::store(&client, &json!(known))?;
    let [first, second, third] = &ids(&known)[..] else { anyhow::bail!("not three") };
    let news = fresh(2);
    let batch = json!([news[0], other(first), known[1], other(third), news[1]]);
    let detail = client.post(STATEMENTS, &batch)?.expect(409)?.detail()?;
    for (id, is_named) in [(first, true), (third, true), (second, false), (&ids(&news)[0], false)] {
        assert_eq!(detail.contains(id), is_named, "{id} in {detail}");
    }
    assert_eq!(statement::all_ids(&client)?, ids(&known));
    // Without the conflict, what is known is passed over.
    let batch = json!([news[0], known[1], news[1]]);
    let answered = statement::store(&client, &batch)?;
    assert_eq!(answered, [ids(&news)[0].clone(), second.clone(), ids(&news)[1].clone()]);
    assert_eq!(statement::all_ids(&client)?, [ids(&known), ids(&news)].concat());
    Ok(())
}

#[test]
fn a_batch_that_has_a_statement_twice_has_it_once_or_is_refused() -> Result<()> {
    let node = Node::start()?;
    let (client, twice) = (node.xapi(), fresh(2));
    let id = &ids(&twice)[0];
    let repeated = json!([twice[0], twice[1], twice[0]]);
    let mut refusals = vec![(node.speaking("2.0.0"), repeated.clone())];
    refusals.push((client.clone(), json!([twice[0], twice[1], other(id)])));
    refusals.push((client.clone(), json!([twice[0], twice[1], other(&id.to_uppercase())])));
    for (client, batch) in refusals {
        let detail = client.post(STATEMENTS, &batch)?.expect(400)?.detail()?;
        ensure!(detail.contains("statements[2]") && detail.contains(id), "{detail}");
    }
    assert_eq!(statement::count(&client)?, 0);
    // Only 1.0.3 lets a client repeat itself.
    assert_eq!(statement::store(&client, &repeated)?, ids(&twice));
    assert_eq!(statement::all_ids(&client)?, ids(&twice));
    Ok(())
}

#[test]
fn one_bad_statement_sinks_its_batch_and_is_named_with_place_and_rule() -> Result<()> {
    let node = Node::start()?;
    let account = json!({ "account": { "homePage": "example", "name": "ada" } });
    let cases = [
        ("verb", json!({ "id": "no iri" }), "verb.id: must be an IRI with a scheme (xAPI 4.3)"),
        ("actor", account, "actor.account.homePage: must be an IRI"),
        ("context", json!({ "registration": "1" }), "context.registration: must be a UUID"),
        ("result", json!({ "score": { "scaled": 2 } }), "result.score.scaled: "),
        ("timestamp", json!("today"), "timestamp: must be a date and time"),
        ("Result", json!({}), "Result: must be written \"result\""),
        ("object", json!(null), "object: must not be null"),
        ("id", json!("42"), "id: must be a UUID"),
    ];
    for version in VERSIONS {
        let client = node.speaking(version);
        for (name, value, rule) in &cases {
            let mut batch = fresh(5);
            batch[3][*name] = value.clone();
            let detail = client.post(STATEMENTS, &json!(batch))?.expect(400)?.detail()?;
            ensure!(detail.starts_with(&format!("statements[3]: {rule}")), "{name}: {detail}");
        }
        assert_eq!(statement::count(&client)?, 0);
    }
    Ok(())
}

#[test]
fn what_is_no_statement_is_refused_with_the_reason() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let valid = statement::experienced(&statement::new_id()).to_string();
    let with_bytes = |bytes: &[u8]| [br#"{"id": ""#, bytes, br#""}"#].concat();
    let deep = valid.replace(r#""The hedge""#, &("[".repeat(200) + &"]".repeat(200)));
    let bodies: [(Vec<u8>, &str); 11] = [
        (b"".to_vec(), "JSON"),
        (b"no JSON at all".to_vec(), "JSON"),
        (br#"{"actor": "#.to_vec(), "JSON"),
        ([valid.as_bytes(), b"}"].concat(), "JSON"),
        ([valid.as_bytes(), valid.as_bytes()].concat(), "JSON"),
        (deep.into_bytes(), "recursion limit"),
        (with_bytes(&[0xff]), "UTF-8"),
        (b"42".to_vec(), "a statement or an array of statements"),
        (b"[42]".to_vec(), "statements[0]"),
        (b"[[]]".to_vec(), "statements[0]"),
        (valid.replacen('{', r#"{"verb":{"id":"https://a.org"},"#, 1).into_bytes(), "verb"),
    ];
    for (body, reason) in bodies {
        let json = Some(("application/json", body.as_slice()));
        let refused = client.send(http::Method::POST, STATEMENTS, json)?.expect(400)?;
        let detail = refused.detail()?;
        ensure!(detail.contains(reason), "{} is refused: {detail}", String::from_utf8_lossy(&body));
    }
    let many = put_list(&client)?.expect(400)?.detail()?;
    ensure!(many.contains("statement"), "{many}");
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

/// A list in the place of the one statement.
fn put_list(client: &Client) -> Result<Response> {
    let id = statement::new_id();
    client.put(&statement::one(&id), &json!([statement::experienced(&id)]))
}

#[test]
fn statements_without_ids_get_them_in_order() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let nameless = |number: usize| {
        let mut statement = statement::with(json!({ "result": { "score": { "raw": number } } }));
        statement.as_object_mut().map(|statement| statement.remove("id"));
        statement
    };
    let batch: Vec<_> = (0..10).map(nameless).collect();
    let ids = statement::store(&client, &json!(batch))?;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(statement::read(&client, id)?["result"]["score"]["raw"], json!(number));
    }
    assert_eq!(statement::all_ids(&client)?, ids);
    // Sent again they are others.
    ensure!(statement::store(&client, &batch[0])? != ids[..1]);
    let id = statement::new_id();
    client.put(&statement::one(&id), &nameless(11))?.expect(204)?;
    assert_eq!(statement::read(&client, &id)?["result"]["score"]["raw"], 11);
    assert!(statement::store(&client, &json!([]))?.is_empty());
    Ok(())
}

#[test]
fn of_those_who_send_at_the_same_time_one_is_first() -> Result<()> {
    const WRITERS: usize = 8;
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    in_parallel(WRITERS, &|_| statement::post(&client, &id))?;
    let contested = statement::new_id();
    let winners = in_parallel(WRITERS, &|writer| {
        let mut own = statement::experienced(&contested);
        own["result"] = json!({ "score": { "raw": writer } });
        let answer = client.post(STATEMENTS, &own)?;
        ensure!([200, 409].contains(&answer.status.as_u16()), "{answer:?}");
        Ok((answer.status == 200).then_some(writer))
    })?;
    let winners: Vec<_> = winners.into_iter().flatten().collect();
    ensure!(winners.len() == 1, "{winners:?} won");
    let kept = statement::read(&client, &contested)?;
    assert_eq!(kept["result"]["score"]["raw"], json!(winners[0]));
    assert_eq!(statement::all_ids(&client)?, [id, contested]);
    Ok(())
}

#[test]
fn what_is_recorded_outlives_the_process() -> Result<()> {
    let mut node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let before = client.get(&statement::one(&id))?.expect(200)?.text();
    node.terminate()?;
    node.restart()?;
    assert_eq!(client.get(&statement::one(&id))?.expect(200)?.text(), before);
    client.post(STATEMENTS, &other(&id))?.expect(409)?;
    Ok(())
}

#[test]
fn nobody_records_without_credentials() -> Result<()> {
    let node = Node::start()?;
    let anonymous = node.anonymous().with_header("x-experience-api-version", "1.0.3");
    let statement = statement::experienced(&statement::new_id());
    for client in [anonymous.clone(), anonymous.with_basic("test:wrong")] {
        for refused in [client.post(STATEMENTS, &statement)?, put(&client, &statement)?] {
            let refused = refused.expect(401)?;
            assert!(refused.header("www-authenticate").starts_with("Basic"), "{refused:?}");
        }
        client.get(STATEMENTS)?.expect(401)?;
        // A browser would ask the learner, and its page would wait for that.
        let script = client.with_header("sec-fetch-mode", "cors").get(STATEMENTS)?.expect(401)?;
        assert!(script.header("www-authenticate").starts_with("Bearer"), "{script:?}");
    }
    assert_eq!(statement::count(&node.xapi())?, 0);
    Ok(())
}
