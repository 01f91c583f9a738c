//! Statements by what they merely speak of: `related_activities` and `related_agents` (xAPI 1.0.3,
//! part three, 2.1.3; 2.0, 4.1.6.1).

use anyhow::Result;
use hedgeschool_tests::{Node, statement};
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{ACTIVITY, ADA};

/// What Eve did, to something of hers.
fn of_eve(properties: Value) -> Value {
    let mut statement = statement::with(json!({ "object": { "id": "https://example.org/eve" } }));
    statement["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    if let (Some(statement), Value::Object(properties)) = (statement.as_object_mut(), properties) {
        statement.extend(properties);
    }
    statement
}

/// What Eve plans to do.
fn planned(properties: Value) -> Value {
    let mut plan = of_eve(properties);
    if let Some(plan) = plan.as_object_mut() {
        plan.remove("id");
        plan.insert("objectType".into(), json!("SubStatement"));
    }
    of_eve(json!({ "object": plan }))
}

fn among(list: &str, activities: Value) -> Value {
    json!({ "context": { "contextActivities": { list: activities } } })
}

/// Ada as instructor, in a team, and so on.
fn ada_as(role: &str) -> Value {
    let ada = json!({ "mbox": "mailto:ada@example.org" });
    let group = json!({ "objectType": "Group", "member": [ada] });
    match role {
        "team" => json!({ "context": { "team": group } }),
        "contextAgents" => {
            json!({ "context": { role: [{ "objectType": "contextAgent", "agent": ada }] } })
        }
        "contextGroups" => {
            json!({ "context": { role: [{ "objectType": "contextGroup", "group": group }] } })
        }
        _ => json!({ "context": { role: ada } }),
    }
}

#[test]
fn related_activities_are_those_of_the_context_and_of_sub_statements_too() -> Result<()> {
    let node = Node::start()?;
    let hedge = json!({ "id": ACTIVITY });
    let other = json!({ "id": "https://example.org/other" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("object", of_eve(json!({ "object": hedge }))),
            ("parent", of_eve(among("parent", json!([hedge])))),
            ("grouping", of_eve(among("grouping", json!([other, hedge])))),
            ("category", of_eve(among("category", hedge.clone()))),
            ("other", of_eve(among("other", json!([hedge])))),
            ("plan", planned(json!({ "object": hedge }))),
            ("parent of a plan", planned(among("parent", json!([hedge])))),
            ("nothing", of_eve(among("parent", json!([other])))),
        ],
    )?;
    let asked = ("activity", ACTIVITY);
    let all = ["object", "parent", "grouping", "category", "other", "plan", "parent of a plan"];
    assert_eq!(shelf.find(&[asked, ("related_activities", "true")])?, all);
    assert_eq!(shelf.find(&[asked])?, ["object"]);
    assert_eq!(shelf.find(&[asked, ("related_activities", "false")])?, ["object"]);
    // By itself it asks for nothing.
    assert_eq!(shelf.find(&[("related_activities", "true")])?.len(), 8);
    Ok(())
}

#[test]
fn related_agents_are_those_of_the_context_and_of_sub_statements_too() -> Result<()> {
    let node = Node::start()?;
    let ada = json!({ "objectType": "Agent", "mbox": "mailto:ada@example.org" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("actor", of_eve(json!({ "actor": ada }))),
            ("object", of_eve(json!({ "object": ada }))),
            ("instructor", of_eve(ada_as("instructor"))),
            ("team", of_eve(ada_as("team"))),
            ("actor of a plan", planned(json!({ "actor": ada }))),
            ("object of a plan", planned(json!({ "object": ada }))),
            ("instructor of a plan", planned(ada_as("instructor"))),
            ("team of a plan", planned(ada_as("team"))),
            ("nothing", of_eve(json!({}))),
        ],
    )?;
    let mut all = shelf.find(&[])?;
    assert_eq!(all.pop(), Some("nothing"));
    assert_eq!(shelf.find(&[("agent", ADA), ("related_agents", "true")])?, all);
    assert_eq!(shelf.find(&[("agent", ADA)])?, ["actor", "object"]);
    assert_eq!(shelf.find(&[("agent", ADA), ("related_agents", "false")])?, ["actor", "object"]);
    Ok(())
}

#[test]
fn agents_and_groups_of_a_context_are_related() -> Result<()> {
    let node = Node::start()?;
    let shelf = Shelf::of(
        &node.speaking("2.0.0"),
        [
            ("agents", of_eve(ada_as("contextAgents"))),
            ("groups", of_eve(ada_as("contextGroups"))),
            ("agents of a plan", planned(ada_as("contextAgents"))),
            ("groups of a plan", planned(ada_as("contextGroups"))),
            ("nothing", of_eve(json!({}))),
        ],
    )?;
    let all = ["agents", "groups", "agents of a plan", "groups of a plan"];
    assert_eq!(shelf.find(&[("agent", ADA), ("related_agents", "true")])?, all);
    assert!(shelf.find(&[("agent", ADA)])?.is_empty());
    // 1.0.3 knows no such properties.
    for role in ["contextAgents", "contextGroups"] {
        let refused = node.xapi().post(statement::PATH, &of_eve(ada_as(role)))?.expect(400)?;
        assert!(refused.detail()?.contains(role), "{refused:?}");
    }
    Ok(())
}

#[test]
fn whoever_vouches_for_a_statement_is_related() -> Result<()> {
    let node = Node::start()?;
    let shelf = Shelf::of(&node.xapi(), [("recorded", of_eve(json!({})))])?;
    let authority = statement::read(&node.xapi(), shelf.id("recorded")?)?["authority"].to_string();
    assert_eq!(shelf.find(&[("agent", &authority), ("related_agents", "true")])?, ["recorded"]);
    assert!(shelf.find(&[("agent", &authority)])?.is_empty());
    Ok(())
}

#[test]
fn related_conditions_go_with_others() -> Result<()> {
    let node = Node::start()?;
    let both = |list: &str| {
        let mut statement = of_eve(ada_as("instructor"));
        statement["context"]["contextActivities"] = json!({ list: [{ "id": ACTIVITY }] });
        statement
    };
    let mut passed = both("grouping");
    passed["verb"] = json!({ "id": "http://adlnet.gov/expapi/verbs/passed" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("both", both("parent")),
            ("passed", passed),
            ("agent", of_eve(ada_as("instructor"))),
            ("activity", of_eve(among("parent", json!([{ "id": ACTIVITY }])))),
        ],
    )?;
    let related = [("related_agents", "true"), ("related_activities", "true")];
    let asked = [&[("agent", ADA), ("activity", ACTIVITY)], &related[..]].concat();
    assert_eq!(shelf.find(&asked)?, ["both", "passed"]);
    let passed = [("verb", "http://adlnet.gov/expapi/verbs/passed")];
    assert_eq!(shelf.find(&[&asked[..], &passed].concat())?, ["passed"]);
    Ok(())
}
