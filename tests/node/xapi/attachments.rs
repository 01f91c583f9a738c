//! Attachments and their data (xAPI 1.0.3, part two, 2.4.11; part three, 1.5.2 and 2.1.3).

mod above;
mod refusals;
mod signatures;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, Response, address, statement};
use http::Method;
use serde_json::{Value, json};

use super::multipart::{Parts, TEXT, sha256};
use super::{STATEMENTS, VERSIONS};

/// A statement with attachments.
fn attaching(attachments: &[Value]) -> Value {
    statement::with(json!({ "attachments": attachments }))
}

fn id(statement: &Value) -> Result<&str> {
    statement["id"].as_str().context("no id")
}

/// One statement with the data of its attachments.
fn read(client: &Client, statement: &Value) -> Result<Parts> {
    let path = address(STATEMENTS, &[("statementId", id(statement)?), ("attachments", "true")]);
    Parts::read(&client.get(&path)?.expect(200)?)
}

/// Bytes that end, begin and look like what stands between parts.
fn awkward() -> Vec<Vec<u8>> {
    let every = (0..=255).cycle().take(70_000).collect();
    let texts = ["", "\r\n", "--", "\r\n--hedge 'n' = ros\r\n\r\n--", "a\r\n\r\nb\n"];
    texts.iter().map(|text| text.as_bytes().to_vec()).chain([every]).collect()
}

#[test]
fn data_comes_back_to_the_byte_with_its_headers() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let data = awkward();
        let described: Vec<_> = data.iter().map(|data| Parts::describe(data)).collect();
        let sent = attaching(&described);
        let body = data.iter().fold(Parts::new(&sent), |body, data| body.with(data));
        body.post(&client)?.expect(200)?;
        let found = read(&client, &sent)?;
        assert_eq!(found.data().len(), data.len());
        for data in &data {
            let expected = Parts::headers(TEXT, &sha256(data));
            assert_eq!(found.headers_of(data), Some(expected.as_str()), "{} bytes", data.len());
        }
        let json: Value = serde_json::from_str(&found.statements)?;
        assert_eq!((&json["id"], &json["attachments"]), (&sent["id"], &json!(described)));
    }
    Ok(())
}

#[test]
fn data_is_sent_to_who_asks_for_it_only() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let sent = attaching(&[Parts::describe(b"data")]);
    Parts::new(&sent).with(b"data").post(&client)?.expect(200)?;
    let get = |more: &[(&str, &str)]| client.get(&address(STATEMENTS, more))?.expect(200);
    for parameters in [&[][..], &[("attachments", "false")], &[("statementId", id(&sent)?)]] {
        let answer = get(parameters)?;
        assert_eq!(answer.header("content-type"), "application/json", "{parameters:?}");
        ensure!(answer.json()?.to_string().contains(&sha256(b"data")), "{answer:?}");
    }
    let all = get(&[("attachments", "true")])?;
    ensure!(all.header("last-modified").is_empty(), "{all:?}");
    assert_eq!(Parts::read(&all)?.data(), [b"data"]);
    // Also where there is none.
    let path = address(STATEMENTS, &[("attachments", "true"), ("verb", "https://example.org/no")]);
    let none = Parts::read(&client.get(&path)?.expect(200)?)?;
    assert_eq!(
        (none.data().len(), none.statements.as_str()),
        (0, r#"{"statements":[],"more":""}"#)
    );
    Ok(())
}

#[test]
fn an_answer_with_data_says_how_long_it_is_and_when_it_was_stored() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let sent = attaching(&[Parts::describe(b"data")]);
    Parts::new(&sent).with(b"data").post(&client)?.expect(200)?;
    let one = ("statementId", id(&sent)?);
    let answer = client.get(&address(STATEMENTS, &[one, ("attachments", "true")]))?.expect(200)?;
    assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    let plain = client.get(&address(STATEMENTS, &[one]))?.expect(200)?;
    assert_eq!(answer.header("last-modified"), plain.header("last-modified"));
    assert_eq!(Parts::read(&answer)?.statements, plain.text());
    Ok(())
}

#[test]
fn what_is_elsewhere_needs_no_data_and_comes_without() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let mut elsewhere = Parts::describe(b"elsewhere");
    elsewhere["fileUrl"] = json!("https://example.org/notes.txt");
    let alone = attaching(&[elsewhere.clone()]);
    client.post(STATEMENTS, &alone)?.expect(200)?;
    assert_eq!(read(&client, &alone)?.data().len(), 0);
    let both = attaching(&[elsewhere, Parts::describe(b"here")]);
    Parts::new(&both).with(b"here").post(&client)?.expect(200)?;
    assert_eq!(read(&client, &both)?.data(), [b"here"]);
    assert_eq!(statement::read(&client, id(&both)?)?["attachments"], both["attachments"]);
    Ok(())
}

#[test]
fn statements_share_data_which_travels_once() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let shared = Parts::describe(b"shared");
    let first = attaching(std::slice::from_ref(&shared));
    let second = attaching(&[Parts::describe(b"own"), shared.clone(), shared]);
    let batch = json!([first, statement::with(json!({})), second]);
    let stored = Parts::new(&batch).with(b"shared").with(b"own").post(&client)?.expect(200)?;
    assert_eq!(stored.json()?, json!([first["id"], batch[1]["id"], second["id"]]));
    assert_eq!(read(&client, &first)?.data(), [b"shared"]);
    let all = Parts::read(&client.get(&address(STATEMENTS, &[("attachments", "true")]))?)?;
    let mut data = all.data();
    data.sort_unstable();
    assert_eq!(data, [&b"own"[..], b"shared"]);
    // And the same data again, of another statement.
    let third = attaching(&[Parts::describe(b"own")]);
    Parts::new(&third).with(b"own").post(&client)?.expect(200)?;
    assert_eq!(read(&client, &third)?.data(), [b"own"]);
    Ok(())
}

#[test]
fn a_plan_has_attachments_too() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let mut plan = attaching(&[Parts::describe(b"plan")]);
    for name in ["id", "stored"] {
        plan.as_object_mut().context("no object")?.remove(name);
    }
    plan["objectType"] = json!("SubStatement");
    let sent = statement::with(json!({ "object": plan }));
    Parts::new(&sent).with(b"plan").post(&client)?.expect(200)?;
    assert_eq!(read(&client, &sent)?.data(), [b"plan"]);
    Ok(())
}

#[test]
fn a_single_statement_is_put_with_its_data() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let sent = attaching(&[Parts::describe(b"data")]);
    let put = |body: Parts| -> Result<Response> {
        body.send(&client, Method::PUT, &statement::one(id(&sent)?))
    };
    put(Parts::new(&sent).with(b"data"))?.expect(204)?;
    put(Parts::new(&sent).with(b"data"))?.expect(204)?;
    assert_eq!(read(&client, &sent)?.data(), [b"data"]);
    // Statements alone may come so as well, and one that has no attachment.
    Parts::new(&statement::with(json!({}))).post(&client)?.expect(200)?;
    assert_eq!(statement::count(&client)?, 2);
    Ok(())
}

#[test]
fn data_of_what_is_voided_is_still_there_for_who_asks() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let sent = attaching(&[Parts::describe(b"data")]);
    Parts::new(&sent).with(b"data").post(&client)?.expect(200)?;
    statement::store(&client, &statement::voiding(id(&sent)?))?;
    let asked = [("voidedStatementId", id(&sent)?), ("attachments", "true")];
    let voided = Parts::read(&client.get(&address(STATEMENTS, &asked))?.expect(200)?)?;
    assert_eq!(voided.data(), [b"data"]);
    let all = Parts::read(&client.get(&address(STATEMENTS, &[("attachments", "true")]))?)?;
    ensure!(all.data().is_empty());
    Ok(())
}

#[test]
fn data_outlives_a_kill() -> Result<()> {
    let mut node = Node::start()?;
    let client = node.xapi();
    let sent = attaching(&[Parts::describe(b"data")]);
    Parts::new(&sent).with(b"data").post(&client)?.expect(200)?;
    node.kill()?;
    node.restart()?;
    assert_eq!(read(&client, &sent)?.data(), [b"data"]);
    Ok(())
}
