//! What is too much is refused by name, and what is not is kept.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Node, Response, address, statement};
use http::Method;
use serde_json::{Value, json};

use super::multipart::{Parts, TEXT, sha256};
use super::{STATEMENTS, VERSIONS};

const MIB: usize = 1 << 20;
/// Most statements of a request, and of a page.
const STATEMENTS_MAX: usize = 1_000;
/// Largest statement.
const STATEMENT_BYTES_MAX: usize = MIB;
/// Largest body of statements alone, and with attachments.
const JSON_BYTES_MAX: usize = 8 * MIB;
const MULTIPART_BYTES_MAX: usize = 16 * MIB;

/// A statement whose JSON has this many bytes.
fn of_bytes(bytes: usize) -> Value {
    let sized = |length| statement::with(json!({ "result": { "response": "x".repeat(length) } }));
    sized(bytes - sized(0).to_string().len())
}

fn post_text(client: &Client, text: &str) -> Result<Response> {
    client.send(Method::POST, STATEMENTS, Some(("application/json", text.as_bytes())))
}

#[test]
fn a_request_has_a_thousand_statements_and_no_more() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let before = statement::count(&client)?;
        let mut batch: Vec<_> = (0..=STATEMENTS_MAX).map(|_| statement::with(json!({}))).collect();
        let refused = client.post(STATEMENTS, &json!(batch))?.expect(413)?;
        ensure!(refused.detail()?.contains("1000 statements"), "{refused:?}");
        assert_eq!(statement::count(&client)?, before);
        batch.pop();
        assert_eq!(statement::store(&client, &json!(batch))?.len(), STATEMENTS_MAX);
    }
    Ok(())
}

#[test]
fn a_page_has_a_thousand_statements_and_no_more() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    for count in [STATEMENTS_MAX, 1] {
        let batch: Vec<_> = (0..count).map(|_| statement::with(json!({}))).collect();
        statement::store(&client, &json!(batch))?;
    }
    let page = client.get(&address(STATEMENTS, &[("limit", "5000")]))?.expect(200)?.json()?;
    assert_eq!(statement::ids(&page)?.len(), STATEMENTS_MAX);
    let rest = client.get(statement::more(&page))?.expect(200)?.json()?;
    assert_eq!((statement::ids(&rest)?.len(), statement::more(&rest)), (1, ""));
    // Who does not say how many gets some.
    for unsaid in [STATEMENTS.to_owned(), address(STATEMENTS, &[("limit", "0")])] {
        let page = client.get(&unsaid)?.expect(200)?.json()?;
        let count = statement::ids(&page)?.len();
        ensure!((1..=STATEMENTS_MAX).contains(&count) && !statement::more(&page).is_empty());
    }
    Ok(())
}

#[test]
fn a_body_of_statements_has_its_size_and_no_more() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let (sent, id) = (statement::with(json!({})).to_string(), statement::new_id());
    let larger = sent.clone() + &" ".repeat(JSON_BYTES_MAX + 1 - sent.len());
    let refused = post_text(&client, &larger)?.expect(413)?;
    ensure!(refused.detail()?.contains(&JSON_BYTES_MAX.to_string()), "{refused:?}");
    let body = Some(("application/json", larger.as_bytes()));
    client.send(Method::PUT, &statement::one(&id), body)?.expect(413)?;
    assert_eq!(statement::count(&client)?, 0);
    post_text(&client, &larger[..JSON_BYTES_MAX])?.expect(200)?;
    Ok(())
}

#[test]
fn a_statement_has_its_size_and_no_more() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let largest = of_bytes(STATEMENT_BYTES_MAX);
    let batch = json!([statement::with(json!({})), of_bytes(STATEMENT_BYTES_MAX + 1)]);
    let refused = client.post(STATEMENTS, &batch)?.expect(413)?;
    let detail = refused.detail()?;
    let limit = STATEMENT_BYTES_MAX.to_string();
    ensure!(detail.contains("statements[1]") && detail.contains(&limit), "{detail}");
    assert_eq!(statement::count(&client)?, 0);
    let id = statement::store(&client, &largest)?.remove(0);
    assert_eq!(statement::read(&client, &id)?["result"], largest["result"]);
    Ok(())
}

#[test]
fn a_body_with_attachments_has_its_size_and_no_more() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let body = |bytes: usize| {
        let data = vec![7; bytes];
        let statement = statement::with(json!({ "attachments": [Parts::describe(&data)] }));
        Parts::new(&statement).with(&data)
    };
    let around = body(MULTIPART_BYTES_MAX).body().len() - MULTIPART_BYTES_MAX;
    let refused = body(MULTIPART_BYTES_MAX + 1 - around).post(&client)?.expect(413)?;
    ensure!(refused.detail()?.contains(&MULTIPART_BYTES_MAX.to_string()), "{refused:?}");
    assert_eq!(statement::count(&client)?, 0);

    let largest = body(MULTIPART_BYTES_MAX - around);
    assert_eq!(largest.body().len(), MULTIPART_BYTES_MAX);
    largest.post(&client)?.expect(200)?;
    let all = client.get(&address(STATEMENTS, &[("attachments", "true")]))?.expect(200)?;
    ensure!(Parts::read(&all)?.data() == largest.data());
    Ok(())
}

#[test]
fn a_body_has_a_thousand_attachments_and_no_more() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let data = |number: usize| number.to_string().into_bytes();
    let body = |count: usize| {
        let described: Vec<_> = (0..count).map(|number| Parts::describe(&data(number))).collect();
        let body = Parts::new(&statement::with(json!({ "attachments": described })));
        (0..count).fold(body, |body, number| body.with(&data(number)))
    };
    let refused = body(1_001).post(&client)?.expect(413)?;
    ensure!(refused.detail()?.contains("1000 attachments"), "{refused:?}");
    body(1_000).post(&client)?.expect(200)?;
    let all = client.get(&address(STATEMENTS, &[("attachments", "true")]))?.expect(200)?;
    assert_eq!(Parts::read(&all)?.data().len(), 1_000);
    let long = Parts::headers(TEXT, &sha256(b"data")) + "X-Long: " + &"x".repeat(9_000) + "\r\n";
    let sent = statement::with(json!({ "attachments": [Parts::describe(b"data")] }));
    let refused = Parts::new(&sent).with_part(&long, b"data").post(&client)?.expect(400)?;
    ensure!(refused.detail()?.contains("8192 bytes"), "{refused:?}");
    Ok(())
}

#[test]
fn a_page_of_large_statements_ends_early_and_the_next_goes_on() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let mut ids = Vec::new();
    for _ in 0..4 {
        let batch: Vec<_> = (0..3).map(|_| of_bytes(STATEMENT_BYTES_MAX - 1_000)).collect();
        ids.extend(statement::store(&client, &json!(batch))?);
    }
    let mut found = Vec::new();
    let mut next = address(STATEMENTS, &[("ascending", "true")]);
    while !next.is_empty() {
        let answer = client.get(&next)?.expect(200)?;
        ensure!(answer.body.len() < JSON_BYTES_MAX + 2 * STATEMENT_BYTES_MAX);
        let page = answer.json()?;
        found.extend(statement::ids(&page)?);
        next = statement::more(&page).to_owned();
    }
    assert_eq!(found, ids);
    Ok(())
}
