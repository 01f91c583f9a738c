//! Statements by agent, verb, activity and registration (xAPI 1.0.3, part three, 2.1.3).

use anyhow::Result;
use hedgeschool_tests::{Node, address, statement};
use serde_json::{Value, json};

use super::shelf::Shelf;
use super::{ACTIVITY, ADA, EVE, STATEMENTS};

const PASSED: &str = "http://adlnet.gov/expapi/verbs/passed";

fn by(actor: Value) -> Value {
    statement::with(json!({ "actor": actor }))
}

fn about(object: Value) -> Value {
    by_eve(json!({ "object": object }))
}

fn by_eve(properties: Value) -> Value {
    let mut statement = statement::with(properties);
    statement["actor"] = json!({ "mbox": "mailto:eve@example.org" });
    statement
}

fn ada() -> Value {
    json!({ "mbox": "mailto:ada@example.org" })
}

/// A group with Ada among its members.
fn with_ada(mut group: Value) -> Value {
    group["objectType"] = json!("Group");
    group["member"] = json!([{ "mbox": "mailto:bob@example.org" }, ada()]);
    group
}

#[test]
fn an_agent_is_found_by_each_kind_of_identifier_and_by_no_other() -> Result<()> {
    let node = Node::start()?;
    let sha1 = "ebd31e95054c018b10727ccffd2ef2ec3a016ee9";
    let account = |home: &str| json!({ "account": { "homePage": home, "name": "ada" } });
    let openid = json!({ "openid": "https://example.org/ada" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("mbox", by(ada())),
            ("sha1", by(json!({ "mbox_sha1sum": sha1 }))),
            ("openid", by(openid.clone())),
            ("account", by(account("https://example.org"))),
            ("account elsewhere", by(account("https://example.org/ada"))),
            ("another", by(json!({ "mbox": "mailto:ada@example.com" }))),
        ],
    )?;
    let cases = [
        (ada(), "mbox"),
        // What an agent is called, the case of a domain and of a hash are no part of who it is.
        (json!({ "objectType": "Agent", "name": "A", "mbox": "mailto:ada@EXAMPLE.org" }), "mbox"),
        (json!({ "mbox_sha1sum": sha1 }), "sha1"),
        (json!({ "mbox_sha1sum": sha1.to_uppercase() }), "sha1"),
        (openid, "openid"),
        (account("https://example.org"), "account"),
        (account("https://example.org/ada"), "account elsewhere"),
    ];
    for (agent, expected) in cases {
        assert_eq!(shelf.find(&[("agent", &agent.to_string())])?, [expected], "{agent}");
    }
    let nobody = json!({ "mbox": "mailto:Ada@example.org" }).to_string();
    assert!(shelf.find(&[("agent", &nobody)])?.is_empty(), "a mailbox's name has a case");
    Ok(())
}

#[test]
fn an_agent_is_found_as_actor_as_object_and_as_a_member_of_either() -> Result<()> {
    let node = Node::start()?;
    let class = json!({ "name": "Class", "mbox": "mailto:class@example.org" });
    let agent = json!({ "objectType": "Agent", "mbox": "mailto:ada@example.org" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("actor", by(ada())),
            ("in a nameless group", by(with_ada(json!({})))),
            ("in a class", by(with_ada(class.clone()))),
            ("object", about(agent)),
            ("in the object", about(with_ada(class))),
            ("instructor", by_eve(json!({ "context": { "instructor": ada() } }))),
            ("team", by_eve(json!({ "context": { "team": with_ada(json!({})) } }))),
        ],
    )?;
    assert_eq!(
        shelf.find(&[("agent", ADA)])?,
        ["actor", "in a nameless group", "in a class", "object", "in the object"]
    );
    let class = r#"{"objectType":"Group","mbox":"mailto:class@example.org"}"#;
    assert_eq!(shelf.find(&[("agent", class)])?, ["in a class", "in the object"]);
    let with_member = with_ada(json!({ "mbox": "mailto:class@example.org" })).to_string();
    assert_eq!(shelf.find(&[("agent", &with_member)])?, ["in a class", "in the object"]);
    Ok(())
}

#[test]
fn verbs_and_activities_are_found_by_their_whole_iris() -> Result<()> {
    let node = Node::start()?;
    let nested = json!({
        "objectType": "SubStatement", "actor": ada(),
        "verb": { "id": PASSED }, "object": { "id": ACTIVITY },
    });
    let parent = json!({ "context": { "contextActivities": { "parent": { "id": ACTIVITY } } } });
    let mut child = statement::with(parent);
    child["object"] = json!({ "id": "https://example.org/child" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("experienced", statement::with(json!({}))),
            ("passed", statement::with(json!({ "verb": { "id": PASSED } }))),
            ("other", about(json!({ "id": format!("{ACTIVITY}/") }))),
            ("planned", about(nested)),
            ("child", child),
        ],
    )?;
    assert_eq!(shelf.find(&[("verb", PASSED)])?, ["passed"]);
    assert!(shelf.find(&[("verb", &PASSED.to_uppercase())])?.is_empty());
    assert_eq!(shelf.find(&[("activity", ACTIVITY)])?, ["experienced", "passed"]);
    assert_eq!(shelf.find(&[("activity", &format!("{ACTIVITY}/"))])?, ["other"]);
    assert!(shelf.find(&[("activity", "https://example.org")])?.is_empty());
    Ok(())
}

#[test]
fn a_registration_is_found_in_either_case() -> Result<()> {
    let node = Node::start()?;
    let registration = statement::new_id();
    let of = |id: &str| statement::with(json!({ "context": { "registration": id } }));
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("lower", of(&registration)),
            ("upper", of(&registration.to_uppercase())),
            ("another", of(&statement::new_id())),
            ("none", statement::with(json!({}))),
        ],
    )?;
    for asked in [registration.clone(), registration.to_uppercase()] {
        assert_eq!(shelf.find(&[("registration", &asked)])?, ["lower", "upper"]);
    }
    Ok(())
}

#[test]
fn all_conditions_hold_for_what_is_found() -> Result<()> {
    let node = Node::start()?;
    let registration = statement::new_id();
    let context = json!({ "registration": registration });
    let verb = json!({ "id": PASSED });
    let elsewhere = json!({ "id": "https://example.org/elsewhere" });
    let shelf = Shelf::of(
        &node.xapi(),
        [
            ("all", statement::with(json!({ "verb": verb, "context": context }))),
            ("no verb", statement::with(json!({ "context": context }))),
            ("no registration", statement::with(json!({ "verb": verb }))),
            ("no agent", by_eve(json!({ "verb": verb, "context": context }))),
            (
                "no activity",
                statement::with(json!({ "verb": verb, "context": context, "object": elsewhere })),
            ),
        ],
    )?;
    let of_agent = [("agent", ADA), ("verb", PASSED)];
    assert_eq!(shelf.find(&of_agent)?, ["all", "no registration", "no activity"]);
    let of_course = [("activity", ACTIVITY), ("registration", &registration)];
    assert_eq!(shelf.find(&of_course)?, ["all", "no verb", "no agent"]);
    assert_eq!(shelf.find(&[of_agent, of_course].concat())?, ["all"]);
    let none = [("agent", EVE), ("activity", "https://example.org/elsewhere")];
    assert!(shelf.find(&none)?.is_empty());
    Ok(())
}

#[test]
fn nothing_found_is_an_empty_list() -> Result<()> {
    let node = Node::start()?;
    statement::post(&node.xapi(), &statement::new_id())?;
    let nothing = address(STATEMENTS, &[("agent", EVE)]);
    let page = node.xapi().get(&nothing)?.expect(200)?.json()?;
    assert_eq!(page, json!({ "statements": [], "more": "" }));
    Ok(())
}
