//! What cannot be attached.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, statement};
use http::Method;
use serde_json::{Value, json};

use super::{attaching, id};
use crate::xapi::multipart::{Parts, TEXT, sha256};
use crate::xapi::{STATEMENTS, VERSIONS};

/// Sends what has to be refused with all of these words.
fn refused(client: &Client, body: &Parts, words: &[&str]) -> Result<()> {
    let refused = body.post(client)?.expect(400).with_context(|| format!("{words:?}"))?;
    let detail = refused.detail()?;
    ensure!(words.iter().all(|word| detail.contains(word)), "{words:?} is refused: {detail}");
    Ok(())
}

/// A statement with the attachment `data`.
fn with_data() -> Value {
    attaching(&[Parts::describe(b"data")])
}

#[test]
fn data_that_is_missing_is_named_by_its_hash() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        let (hash, other) = (sha256(b"data"), sha256(b"other"));
        refused(&client, &Parts::new(&with_data()), &[&hash])?;
        let both = attaching(&[Parts::describe(b"data"), Parts::describe(b"other")]);
        refused(&client, &Parts::new(&both).with(b"data"), &[&other])?;
        let batch = json!([statement::with(json!({})), with_data()]);
        refused(&client, &Parts::new(&batch), &["statements[1]", &hash])?;
        let alone = client.post(STATEMENTS, &with_data())?.expect(400)?;
        ensure!(alone.detail()?.contains(&hash), "{alone:?}");
        assert_eq!(statement::count(&client)?, 0);
    }
    Ok(())
}

#[test]
fn data_that_came_before_comes_again_with_another_statement() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    Parts::new(&with_data()).with(b"data").post(&client)?.expect(200)?;
    refused(&client, &Parts::new(&with_data()), &[&sha256(b"data")])?;
    assert_eq!(statement::count(&client)?, 1);
    Ok(())
}

#[test]
fn data_that_no_statement_has_is_named_by_its_hash() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let surplus = sha256(b"surplus");
    let body = Parts::new(&with_data()).with(b"data").with(b"surplus");
    refused(&client, &body, &[&surplus])?;
    let none = Parts::new(&statement::with(json!({}))).with(b"surplus");
    refused(&client, &none, &[&surplus])?;
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn parts_that_are_not_what_they_say_are_named() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let hash = sha256(b"data");
    let good = Parts::headers(TEXT, &hash);
    let cases: [(String, &[u8], &[&str]); 8] = [
        (good.clone(), b"Data", &["part 1", "X-Experience-API-Hash", "4 bytes"]),
        (good.replace(&hash, "data"), b"data", &["part 1", "X-Experience-API-Hash"]),
        (good.replace("X-Experience-API-Hash", "X-Hash"), b"data", &["part 1", "API-Hash"]),
        (good.replace("binary", "base64"), b"data", &["part 1", "Encoding: binary"]),
        (good.replace("Content-Transfer-", "X-"), b"data", &["part 1", "Encoding: binary"]),
        (good.replace("text/plain", "text/html"), b"data", &[&hash, "text/html"]),
        (format!("{good}{good}"), b"data", &["part 1", "more than once"]),
        (format!("{good}x\r\n"), b"data", &["part 1", "Name: value"]),
    ];
    for (headers, data, words) in cases {
        refused(&client, &Parts::new(&with_data()).with_part(&headers, data), words)?;
    }
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn a_body_that_is_none_is_refused_with_the_reason() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let body = Parts::new(&with_data()).with(b"data").body();
    let json = with_data().to_string().into_bytes();
    let open = "multipart/mixed; boundary=\"hedge 'n' = rose\"";
    let swapped = [b"--b\r\nContent-Type: text/plain\r\n\r\n", &json[..], b"\r\n--b--"].concat();
    let cases: [(&str, &[u8], &str); 9] = [
        ("multipart/mixed", &body, "boundary"),
        ("multipart/mixed; boundary=\"\"", &body, "boundary"),
        ("multipart/mixed; boundary=other", &body, "no part"),
        (open, &body[..body.len() - 4], "boundary"),
        (open, &json, "no part"),
        (open, b"", "no part"),
        ("multipart/mixed; boundary=b", &swapped, "part 0 must be the statements"),
        ("multipart/form-data; boundary=b", &body, "multipart/mixed"),
        ("text/plain", &json, "application/json or multipart/mixed"),
    ];
    for (media_type, body, rule) in cases {
        let sent = client.send(Method::POST, STATEMENTS, Some((media_type, body)))?;
        let detail = sent.expect(400).context(media_type)?.detail()?;
        ensure!(detail.contains(rule), "{media_type}: {detail}");
    }
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn an_attachment_that_is_none_is_named_by_its_path() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let with = |name: &str, value: Value| {
        let mut attachment = Parts::describe(b"data");
        attachment["fileUrl"] = json!("https://example.org/data");
        attachment[name] = value;
        attachment
    };
    let cases = [
        ("usageType", json!("notes")),
        ("display", json!("Notes")),
        ("contentType", json!("text")),
        ("length", json!("4")),
        ("length", json!(-1)),
        ("sha2", json!("data")),
        ("fileUrl", json!("data.txt")),
        ("colour", json!("green")),
    ];
    for (name, value) in cases {
        let good = with("display", json!({ "en": "Notes" }));
        let statement = attaching(&[good, with(name, value)]);
        let refused = client.post(STATEMENTS, &statement)?.expect(400)?;
        let detail = refused.detail()?;
        ensure!(detail.contains(&format!("statements[0]: attachments[1].{name}: ")), "{detail}");
        client.get(&statement::one(id(&statement)?))?.expect(404)?;
    }
    Ok(())
}
