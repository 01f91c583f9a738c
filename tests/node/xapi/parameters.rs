//! What may be asked of the statements resource, and what not (xAPI 1.0.3, part three, 2.1.3 and
//! 3.2).

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, address, statement};
use serde_json::json;

use super::{ACTIVITY, ADA, STATEMENTS, VERSIONS};

/// A query that has to be refused with all of these words.
fn refused(client: &Client, parameters: &[(&str, &str)], words: &[&str]) -> Result<()> {
    let what = || format!("{parameters:?}");
    let refused = client.get(&address(STATEMENTS, parameters))?.expect(400).with_context(what)?;
    let detail = refused.detail()?;
    ensure!(words.iter().all(|word| detail.contains(word)), "{} is refused: {detail}", what());
    Ok(())
}

#[test]
fn a_value_that_is_none_is_refused_by_name_and_rule() -> Result<()> {
    let node = Node::start()?;
    let cases = [
        ("statementId", "42", "UUID"),
        ("statementId", "", "UUID"),
        ("statementId", "9d3a2f0e111142228333444455556666", "UUID"),
        ("voidedStatementId", "{9d3a2f0e-1111-4222-8333-444455556666}", "UUID"),
        ("registration", "1", "UUID"),
        ("verb", "passed", "IRI"),
        ("verb", "", "IRI"),
        ("activity", "/activities/hedge", "IRI"),
        ("activity", "https://example.org/a b", "IRI"),
        ("since", "yesterday", "zone"),
        ("since", "2026-01-01", "zone"),
        ("since", "2026-01-01T00:00:00", "zone"),
        ("until", "2026-02-30T00:00:00Z", "zone"),
        ("until", "1767225600", "zone"),
        ("limit", "-1", "whole number"),
        ("limit", "1.5", "whole number"),
        ("limit", "", "whole number"),
        ("limit", "all", "whole number"),
        ("ascending", "yes", "true or false"),
        ("ascending", "", "true or false"),
        ("attachments", "1", "true or false"),
        ("related_agents", "TRUE", "true or false"),
        ("related_activities", "maybe", "true or false"),
        ("format", "full", "exact, ids or canonical"),
        ("format", "", "exact, ids or canonical"),
    ];
    for (version, (name, value, rule)) in
        VERSIONS.into_iter().flat_map(|version| cases.map(|case| (version, case)))
    {
        refused(&node.speaking(version), &[(name, value)], &[name, rule])?;
    }
    Ok(())
}

#[test]
fn an_agent_that_is_none_is_refused_by_name_and_rule() -> Result<()> {
    let node = Node::start()?;
    let cases = [
        ("ada", "JSON"),
        ("", "JSON"),
        ("[]", "object"),
        ("{}", "exactly one of mbox"),
        (r#"{"name":"Ada"}"#, "exactly one of mbox"),
        (r#"{"mbox":"ada@example.org"}"#, "mailto:"),
        (r#"{"mbox":"mailto:a@b.org","openid":"https://a.org"}"#, "exactly one of mbox"),
        (r#"{"mbox_sha1sum":"abc"}"#, "40 hexadecimal digits"),
        (r#"{"openid":"ada"}"#, "IRI"),
        (r#"{"account":{"name":"ada"}}"#, "homePage"),
        (r#"{"objectType":"Person","mbox":"mailto:a@b.org"}"#, "objectType"),
        (r#"{"mbox":"mailto:a@b.org","age":7}"#, "age"),
        (r#"{"objectType":"Group","member":[{"mbox":"mailto:a@b.org"}]}"#, "exactly one of mbox"),
    ];
    for (value, rule) in cases {
        refused(&node.xapi(), &[("agent", value)], &["agent", rule])?;
    }
    Ok(())
}

#[test]
fn unknown_parameters_are_refused_by_name() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let client = node.speaking(version);
        for name in ["statementid", "Verb", "relatedAgents", "actor", "stored", "page", ""] {
            refused(&client, &[("limit", "1"), (name, "x")], &[&format!("{name:?}")])?;
        }
    }
    Ok(())
}

#[test]
fn the_id_of_a_statement_goes_with_its_format_and_attachments_only() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let asked = ("statementId", id.as_str());
    let fine = address(STATEMENTS, &[asked, ("format", "ids"), ("attachments", "false")]);
    client.get(&fine)?.expect(200)?;
    let others = [
        ("agent", ADA),
        ("verb", "https://example.org/did"),
        ("activity", ACTIVITY),
        ("registration", id.as_str()),
        ("related_activities", "true"),
        ("related_agents", "false"),
        ("since", "2026-01-01T00:00:00Z"),
        ("until", "2999-01-01T00:00:00Z"),
        ("limit", "1"),
        ("ascending", "true"),
        ("from", "1"),
    ];
    for other in others {
        refused(&client, &[asked, other], &[other.0])?;
        refused(&client, &[("voidedStatementId", &id), other], &[other.0])?;
    }
    let both = [asked, ("voidedStatementId", &id)];
    refused(&client, &both, &["statementId", "voidedStatementId", "both"])
}

#[test]
fn what_is_recorded_comes_with_its_id_or_with_no_parameter() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    let sent = statement::experienced(&id);
    let detail = |parameters: &[(&str, &str)]| {
        client.put(&address(STATEMENTS, parameters), &sent)?.expect(400)?.detail()
    };
    ensure!(detail(&[])?.contains("statementId is missing"));
    ensure!(detail(&[("statementId", "42")])?.contains("statementId of the request, 42"));
    ensure!(detail(&[("statementId", &id), ("format", "ids")])?.contains("\"format\""));
    let posted = client.post(&statement::one(&id), &sent)?.expect(400)?;
    ensure!(posted.detail()?.contains("\"statementId\""), "{posted:?}");
    let nameless =
        json!({ "actor": sent["actor"], "verb": sent["verb"], "object": sent["object"] });
    let refused = client.put(&statement::one("42"), &nameless)?.expect(400)?;
    ensure!(refused.detail()?.contains("UUID"), "{refused:?}");
    assert_eq!(statement::count(&client)?, 0);
    Ok(())
}

#[test]
fn other_methods_are_refused_with_those_there_are() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let deleted = client.delete(&statement::one(&id))?.expect(405)?;
    assert_eq!(deleted.header("allow"), "GET, HEAD, POST, PUT, OPTIONS");
    client.get(&statement::one(&id))?.expect(200)?;
    let elsewhere = client.get("/xapi/statement")?.expect(404)?;
    ensure!(elsewhere.detail()?.contains("\"statement\""), "{elsewhere:?}");
    Ok(())
}
