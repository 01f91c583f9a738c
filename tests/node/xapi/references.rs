//! Statements about statements are found by what those are found by (xAPI 1.0.3, part three,
//! 2.1.3, "Filter Conditions for StatementRefs").

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, statement};
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{ACTIVITY, ADA, EVE, VERSIONS};

/// How many references are followed from statement to statement.
const DEPTH_MAX: usize = 16;

/// What Eve says of a statement.
fn eve_on(id: &str) -> Value {
    let mut comment = statement::about(id);
    comment["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    comment["verb"] = json!({ "id": "https://example.org/commented" });
    comment
}

/// A chain of statements of Eve's, each about the next, to one of Ada's; Ada's first.
fn chain(length: usize) -> Vec<Value> {
    let mut chain = vec![statement::with(json!({}))];
    for _ in 0..length {
        let id = chain.last().and_then(|last| last["id"].as_str()).unwrap_or_default();
        chain.push(eve_on(id));
    }
    chain
}

fn ids(statements: &[Value]) -> Vec<&str> {
    statements.iter().filter_map(|statement| statement["id"].as_str()).collect()
}

fn of_ada(client: &Client) -> Result<Vec<String>> {
    statement::find_all(client, &[("agent", ADA), ("ascending", "true")])
}

#[test]
fn a_reference_is_found_by_all_that_its_target_is_found_by() -> Result<()> {
    let node = Node::start()?;
    for version in VERSIONS {
        let registration = statement::new_id();
        let context = json!({
            "registration": registration,
            "instructor": { "mbox": "mailto:bob@example.org" },
            "contextActivities": { "grouping": [{ "id": "https://example.org/group" }] },
        });
        let passed = json!({ "id": "http://adlnet.gov/expapi/verbs/passed" });
        let target = statement::with(json!({ "verb": passed, "context": context }));
        let target_id = target["id"].as_str().context("no id")?.to_owned();
        let shelf = Shelf::of(
            &node.speaking(version),
            [
                ("target", target),
                ("reference", eve_on(&target_id)),
                ("other", eve_on(&statement::new_id())),
            ],
        )?;
        let by = ("registration", registration.as_str());
        let queries: [&[(&str, &str)]; 6] = [
            &[by],
            &[by, ("agent", ADA)],
            &[by, ("verb", "http://adlnet.gov/expapi/verbs/passed")],
            &[by, ("activity", ACTIVITY)],
            &[by, ("agent", r#"{"mbox":"mailto:bob@example.org"}"#), ("related_agents", "true")],
            &[by, ("activity", "https://example.org/group"), ("related_activities", "true")],
        ];
        for query in queries {
            assert_eq!(shelf.find(query)?, ["target", "reference"], "{query:?}");
        }
    }
    Ok(())
}

#[test]
fn a_target_is_not_found_by_what_refers_to_it() -> Result<()> {
    let node = Node::start()?;
    let mut shelf = Shelf::of(&node.xapi(), [("target", statement::with(json!({})))])?;
    shelf.add("reference", &eve_on(shelf.id("target")?))?;
    assert_eq!(shelf.find(&[("agent", EVE)])?, ["reference"]);
    assert_eq!(shelf.find(&[("verb", "https://example.org/commented")])?, ["reference"]);
    Ok(())
}

#[test]
fn references_are_followed_in_whatever_order_they_come() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [3, 0, 2, 1], [1, 3, 0, 2]] {
        let chain = chain(3);
        let before = of_ada(&client)?.len();
        for place in order {
            statement::store(&client, &chain[place])?;
        }
        let found = of_ada(&client)?.split_off(before);
        assert_eq!(found, ids(&order.map(|place| chain[place].clone())), "{order:?}");
    }
    // As one batch, with the target last.
    let before = of_ada(&client)?.len();
    let mut batch = chain(3);
    batch.reverse();
    let stored = statement::store(&client, &json!(batch))?;
    assert_eq!(of_ada(&client)?.split_off(before), stored);
    Ok(())
}

#[test]
fn a_chain_is_followed_up_to_its_limit() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let chain = chain(DEPTH_MAX + 2);
    statement::store(&client, &json!(chain))?;
    assert_eq!(of_ada(&client)?, ids(&chain[..=DEPTH_MAX]));
    assert_eq!(statement::count(&client)?, chain.len());
    Ok(())
}

#[test]
fn circles_end() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let mut circle = chain(3);
    let last = ids(&circle)[3].to_owned();
    circle[0]["object"] = json!({ "objectType": "StatementRef", "id": last });
    let mut itself = eve_on(&statement::new_id());
    itself["object"]["id"] = itself["id"].clone();
    for statement in circle.iter().chain([&itself]) {
        statement::store(&client, statement)?;
    }
    assert_eq!(of_ada(&client)?, ids(&circle));
    let of_eve = statement::find_all(&client, &[("agent", EVE), ("ascending", "true")])?;
    assert_eq!(of_eve.len(), 5);
    Ok(())
}

#[test]
fn a_range_is_that_of_the_reference() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let chain = chain(1);
    statement::store(&client, &chain[0])?;
    let target = statement::read(&client, ids(&chain)[0])?;
    let moment = target["stored"].as_str().context("no stored")?;
    statement::store(&client, &chain[1])?;
    let find = |more: &[(&str, &str)]| {
        let asked = [("agent", ADA), ("ascending", "true")];
        statement::find(&client, &[&asked, more].concat())
    };
    assert_eq!(find(&[("since", moment)])?, ids(&chain[1..]));
    assert_eq!(find(&[("until", moment)])?, ids(&chain[..1]));
    assert_eq!(find(&[("limit", "1")])?, ids(&chain[..1]));
    Ok(())
}

#[test]
fn only_the_object_is_followed() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let target = statement::store(&client, &statement::with(json!({})))?.remove(0);
    let reference = json!({ "objectType": "StatementRef", "id": target });
    let elsewhere = json!({ "id": "https://example.org/elsewhere" });
    let mut in_context = eve_on(&target);
    in_context["object"] = elsewhere;
    in_context["context"] = json!({ "statement": reference });
    let mut planned = eve_on(&target);
    planned["object"] = json!({
        "objectType": "SubStatement",
        "actor": { "mbox": "mailto:eve@example.org" },
        "verb": { "id": "https://example.org/reads" },
        "object": reference,
    });
    for statement in [&in_context, &planned] {
        statement::store(&client, statement)?;
    }
    assert_eq!(of_ada(&client)?, [target]);
    Ok(())
}

#[test]
fn a_statement_is_found_once_by_its_own_terms_and_its_targets() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let target = statement::store(&client, &statement::with(json!({})))?.remove(0);
    let comment = statement::store(&client, &statement::about(&target))?.remove(0);
    assert_eq!(of_ada(&client)?, [target, comment]);
    ensure!(statement::find(&client, &[("agent", ADA), ("limit", "1")])?.len() == 1);
    Ok(())
}
