//! Signed statements (xAPI 1.0.3, part two, 2.6). `tests/fixtures/signature` has one, signed by
//! OpenSSL.

use std::fs;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hedgeschool_tests::{Client, Node, repository, statement};
use serde_json::{Value, json};

use super::read;
use crate::xapi::VERSIONS;
use crate::xapi::multipart::{Parts, sha256};

const MEDIA_TYPE: &str = "application/octet-stream";

/// A statement and its signature in three parts.
struct Signed {
    statement: Value,
    header: String,
    payload: String,
    signature: String,
}

impl Signed {
    fn load() -> Result<Self> {
        let fixture = |name| fs::read_to_string(repository("tests/fixtures/signature").join(name));
        let jws = fixture("statement.jws")?;
        let mut parts = jws.split('.').map(str::to_owned);
        let mut part = || parts.next().context("a part of the signature is missing");
        let statement = serde_json::from_str(&fixture("statement.json")?)?;
        Ok(Self { statement, header: part()?, payload: part()?, signature: part()? })
    }

    /// The header with this property, or without it.
    fn with_header(mut self, name: &str, value: Option<Value>) -> Result<Self> {
        let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&self.header)?)?;
        match (header.as_object_mut().context("no object")?, value) {
            (header, Some(value)) => header.insert(name.to_owned(), value),
            (header, None) => header.remove(name),
        };
        self.header = URL_SAFE_NO_PAD.encode(header.to_string());
        Ok(self)
    }

    fn jws(&self) -> String {
        format!("{}.{}.{}", self.header, self.payload, self.signature)
    }

    /// The statement as it is sent: the signature is among its attachments.
    fn statement(&self) -> Value {
        let mut statement = self.statement.clone();
        statement["attachments"] = json!([attachment(&self.jws())]);
        statement
    }

    fn body(&self) -> Parts {
        with_signature(&self.statement(), &self.jws())
    }
}

fn attachment(jws: &str) -> Value {
    json!({
        "usageType": "http://adlnet.gov/expapi/attachments/signature",
        "display": { "en": "Signature" },
        "contentType": MEDIA_TYPE,
        "length": jws.len(),
        "sha2": sha256(jws.as_bytes()),
    })
}

fn with_signature(statements: &Value, jws: &str) -> Parts {
    let headers = Parts::headers(MEDIA_TYPE, &sha256(jws.as_bytes()));
    Parts::new(statements).with_part(&headers, jws.as_bytes())
}

fn refused(client: &Client, body: &Parts, words: &[&str]) -> Result<()> {
    let refused = body.post(client)?.expect(400).with_context(|| format!("{words:?}"))?;
    let detail = refused.detail()?;
    ensure!(words.iter().all(|word| detail.contains(word)), "{words:?} is refused: {detail}");
    Ok(())
}

#[test]
fn a_signed_statement_is_kept_with_its_signature() -> Result<()> {
    for version in VERSIONS {
        let node = Node::start()?;
        let (client, signed) = (node.speaking(version), Signed::load()?);
        signed.body().post(&client)?.expect(200)?;
        let found = read(&client, &signed.statement)?;
        assert_eq!(found.data(), [signed.jws().as_bytes()]);
        // And again, now that the node has made it its own.
        signed.body().post(&client)?.expect(200)?;
        assert_eq!(statement::count(&client)?, 1);
    }
    Ok(())
}

#[test]
fn a_signature_without_a_certificate_is_taken_as_it_is() -> Result<()> {
    let node = Node::start()?;
    let signed = Signed::load()?.with_header("x5c", None)?;
    signed.body().post(&node.xapi())?.expect(200)?;
    Ok(())
}

#[test]
fn a_signature_that_does_not_verify_is_refused() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let place = "statements[0]: attachments[0]: ";
    let mut other = Signed::load()?;
    other.signature = URL_SAFE_NO_PAD.encode([7; 256]);
    refused(&client, &other.body(), &[place, "verifies", "2.6"])?;
    let other = Signed::load()?.with_header("kid", Some(json!("another")))?;
    refused(&client, &other.body(), &[place, "verifies"])?;
    let rules = [
        ("alg", json!("HS256"), "RS256, RS384 or RS512"),
        ("alg", json!("none"), "RS256, RS384 or RS512"),
        ("alg", json!("RS512"), "verifies"),
        ("x5c", json!(["bm8gY2VydGlmaWNhdGU="]), "X.509"),
        ("x5c", json!([]), "base64"),
        ("crit", json!(["exp"]), "critical"),
    ];
    for (name, value, rule) in rules {
        let other = Signed::load()?.with_header(name, Some(value))?;
        refused(&client, &other.body(), &[place, rule])?;
    }
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn a_signature_of_another_statement_is_refused() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let changes = [
        ("id", json!(statement::new_id())),
        ("timestamp", json!("2026-11-01T12:00:01Z")),
        ("result", json!({ "success": true })),
        ("actor", json!({ "mbox": "mailto:eve@example.org" })),
    ];
    for (name, value) in changes {
        let mut other = Signed::load()?;
        other.statement[name] = value;
        refused(&client, &other.body(), &["attachments[0]: must sign this statement"])?;
    }
    // One bad signature sinks the batch, and the place is said.
    let signed = Signed::load()?;
    let mut unsigned = statement::with(json!({}));
    unsigned["attachments"] = signed.statement()["attachments"].clone();
    let batch = json!([signed.statement(), unsigned]);
    refused(&client, &with_signature(&batch, &signed.jws()), &["statements[1]: attachments[0]: "])?;
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn what_is_no_signature_is_refused_as_one() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let signed = Signed::load()?;
    for jws in ["signed, Ada", "e30.e30.", "e30.W10.eA"] {
        let mut statement = signed.statement.clone();
        statement["attachments"] = json!([attachment(jws)]);
        refused(&client, &with_signature(&statement, jws), &["attachments[0]: must be a JWS"])?;
    }
    // Of another type, and with the data elsewhere.
    let mut statement = signed.statement();
    statement["attachments"][0]["contentType"] = json!("application/jose");
    let headers = Parts::headers("application/jose", &sha256(signed.jws().as_bytes()));
    let typed = Parts::new(&statement).with_part(&headers, signed.jws().as_bytes());
    refused(&client, &typed, &["attachments[0]", MEDIA_TYPE])?;
    let mut statement = signed.statement();
    statement["attachments"][0]["fileUrl"] = json!("https://example.org/signature");
    refused(&client, &Parts::new(&statement), &["attachments[0]", "with its data"])?;
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}
