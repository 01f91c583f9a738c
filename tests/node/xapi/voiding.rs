//! Taking statements back (xAPI 1.0.3, part two, 2.3.2; part three, 2.1.4).

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Node, address, statement};
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{ACTIVITY, ADA, EVE, STATEMENTS, VERSIONS};

fn voided(id: &str) -> String {
    address(STATEMENTS, &[("voidedStatementId", id)])
}

/// What Eve takes back.
fn voiding(id: &str) -> Value {
    let mut voiding = statement::voiding(id);
    voiding["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    voiding
}

/// Holds if a statement can be read as one that was voided, and not otherwise.
fn ensure_voided(client: &Client, id: &str) -> Result<()> {
    client.get(&statement::one(id))?.expect(404)?;
    let read = client.get(&voided(id))?.expect(200)?.json()?;
    ensure!(read["id"] == id, "{read}");
    ensure!(!statement::all_ids(client)?.contains(&id.to_owned()), "{id} is listed");
    Ok(())
}

#[test]
fn a_voided_statement_is_gone_and_what_voids_it_is_there() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let (client, id) = (node.speaking(version), statement::new_id());
        statement::post(&client, &id)?;
        client.get(&voided(&id))?.expect(404)?;
        let by = statement::store(&client, &voiding(&id))?.remove(0);
        ensure_voided(&client, &id)?;
        assert_eq!(statement::read(&client, &by)?["object"]["id"], json!(id));
        client.get(&voided(&by))?.expect(404)?;
        ensure!(statement::all_ids(&client)?.contains(&by));
    }
    Ok(())
}

#[test]
fn what_was_voided_is_as_it_was_and_has_its_date() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let before = client.get(&statement::one(&id))?.expect(200)?;
    statement::store(&client, &voiding(&id.to_uppercase()))?;
    let after = client.get(&voided(&id.to_uppercase()))?.expect(200)?;
    assert_eq!(before.text(), after.text());
    assert_eq!(before.header("last-modified"), after.header("last-modified"));
    let ids = address(STATEMENTS, &[("voidedStatementId", &id), ("format", "ids")]);
    assert_eq!(client.get(&ids)?.expect(200)?.json()?["object"], json!({ "id": ACTIVITY }));
    Ok(())
}

#[test]
fn a_statement_that_comes_after_what_voids_it_is_voided() -> Result<()> {
    let node = Node::start()?;
    let (client, alone, early, late) =
        (node.xapi(), statement::new_id(), statement::new_id(), statement::new_id());
    statement::store(&client, &voiding(&alone))?;
    client.get(&voided(&alone))?.expect(404)?;
    statement::post(&client, &alone)?;
    ensure_voided(&client, &alone)?;
    // Nor does it matter within a batch.
    let [first, last] = [&early, &late].map(|id| statement::experienced(id));
    statement::store(&client, &json!([voiding(&late), first, voiding(&early), last]))?;
    ensure_voided(&client, &early)?;
    ensure_voided(&client, &late)
}

#[test]
fn what_voids_cannot_be_voided() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let by = statement::store(&client, &voiding(&id))?.remove(0);
    // Both before and after it, and one that voids itself.
    let (itself, future) = (statement::new_id(), statement::new_id());
    let with_id = |mut statement: Value, id: &str| {
        statement["id"] = json!(id);
        statement
    };
    let of_future = statement::store(&client, &voiding(&future))?.remove(0);
    for vain in
        [voiding(&by), with_id(voiding(&itself), &itself), with_id(voiding(&of_future), &future)]
    {
        let id = vain["object"]["id"].as_str().unwrap_or_default();
        statement::store(&client, &vain)?;
        client.get(&statement::one(id))?.expect(200)?;
        client.get(&voided(id))?.expect(404)?;
    }
    ensure_voided(&client, &id)?;
    client.get(&statement::one(&future))?.expect(200)?;
    Ok(())
}

#[test]
fn a_voided_statement_matches_no_query_and_what_speaks_of_it_still_does() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let registration = statement::new_id();
    let context = json!({
        "registration": registration,
        "instructor": { "mbox": "mailto:eve@example.org" },
        "contextActivities": { "category": [{ "id": "https://example.org/category" }] },
    });
    let mut shelf = Shelf::of(
        &client,
        [
            ("gone", statement::with(json!({ "context": context }))),
            ("other", statement::with(json!({}))),
        ],
    )?;
    let gone = shelf.id("gone")?.to_owned();
    let mut comment = statement::about(&gone);
    comment["actor"] = json!({ "mbox": "mailto:bob@example.org" });
    shelf.add("comment", &comment)?;
    shelf.add("voiding", &statement::voiding(&gone))?;
    let of_others: [&[(&str, &str)]; 3] = [&[], &[("agent", ADA)], &[("activity", ACTIVITY)]];
    for query in of_others {
        assert_eq!(shelf.find(query)?, ["other", "comment", "voiding"], "{query:?}");
    }
    let of_the_gone: [&[(&str, &str)]; 3] = [
        &[("registration", &registration)],
        &[("agent", EVE), ("related_agents", "true")],
        &[("activity", "https://example.org/category"), ("related_activities", "true")],
    ];
    for query in of_the_gone {
        assert_eq!(shelf.find(query)?, ["comment", "voiding"], "{query:?}");
    }
    Ok(())
}

#[test]
fn only_a_reference_to_a_statement_can_be_voided() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let mut wrong = statement::voiding(&statement::new_id());
    wrong["object"] = json!({ "id": ACTIVITY });
    let refused = client.post(STATEMENTS, &wrong)?.expect(400)?;
    ensure!(refused.detail()?.contains("object: must be a StatementRef"), "{refused:?}");
    Ok(())
}

#[test]
fn voiding_again_and_recording_again_change_nothing() -> Result<()> {
    let node = Node::start()?;
    let (client, id) = (node.xapi(), statement::new_id());
    statement::post(&client, &id)?;
    let first = voiding(&id);
    for statement in [&first, &first, &voiding(&id), &statement::experienced(&id)] {
        statement::store(&client, statement)?;
        ensure_voided(&client, &id)?;
    }
    assert_eq!(statement::count(&client)?, 2);
    Ok(())
}
