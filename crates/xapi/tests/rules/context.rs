//! Contexts (2.4.6) and what 2.0 adds to them (2.0, 4.2.2.5).

use hedgeschool_xapi::Version;
use serde_json::{Value, json};

use crate::{accepted, accepts, check, not_a, refused, refuses, set, with};

#[test]
fn contexts_have_typed_properties() {
    accepted(&with("/context", json!({})));
    refuses("/context", "2.4.6", not_a("object"));
    for name in ["revision", "platform"] {
        refuses(&format!("/context/{name}"), "2.2", not_a("string"));
    }
    accepts("/context/language", ["en", "EN-gb", "zh-Hant-TW", "x-school"].map(Value::from));
    let others = ["", "english!", "en_GB", "e", "en-", "abcdefghij"].map(Value::from);
    refuses("/context/language", "4.2", others.into_iter().chain(not_a("string")));
}

#[test]
fn a_team_is_a_group_and_an_instructor_either() {
    let agent = json!({"mbox": "mailto:ada@example.org"});
    let group = json!({"objectType": "Group", "member": [agent]});
    accepts("/context/instructor", [agent.clone(), group.clone()]);
    accepts("/context/team", [group]);
    refused(&with("/context/team", agent), "context.team.objectType", "2.4.2.2");
    let agent = json!({"objectType": "Agent", "mbox": "mailto:ada@example.org"});
    refused(&with("/context/team", agent), "context.team.objectType", "2.4.2.2");
    refuses("/context/instructor", "2.4.2.1", [json!({"name": "Ada"})]);
}

#[test]
fn revision_and_platform_need_an_activity() {
    let uuid = "9d3a2f0e-1111-4222-8333-444455556666";
    for name in ["revision", "platform"] {
        let statement = with(&format!("/context/{name}"), json!("1"));
        accepted(&statement);
        for object in [
            json!({"objectType": "Agent", "mbox": "mailto:b@example.org"}),
            json!({"objectType": "Group", "mbox": "mailto:b@example.org"}),
            json!({"objectType": "StatementRef", "id": uuid}),
        ] {
            let path = format!("context.{name}");
            refused(&set(statement.clone(), "/object", object), &path, "2.4.6");
        }
    }
}

#[test]
fn a_context_refers_to_statements() {
    let uuid = "9d3a2f0e-1111-4222-8333-444455556666";
    accepts("/context/statement", [json!({"objectType": "StatementRef", "id": uuid})]);
    let path = "context.statement.objectType";
    refused(&with("/context/statement", json!({"id": uuid})), path, "2.4.4.3");
    let activity = json!({"objectType": "Activity", "id": uuid});
    refused(&with("/context/statement", activity), path, "2.4.4.3");
}

#[test]
fn context_activities_are_activities_of_four_kinds() {
    let one = json!({"id": "https://example.org/p"});
    for name in ["parent", "grouping", "category", "other"] {
        let pointer = format!("/context/contextActivities/{name}");
        accepts(&pointer, [one.clone(), json!([one, one]), json!([])]);
        refuses(&pointer, "2.4.4.1", [json!(1), json!("https://example.org/p")]);
        let path = format!("context.contextActivities.{name}[1].id");
        refused(&with(&pointer, json!([one, {"id": "p"}])), &path, "4.3");
    }
    accepts("/context/contextActivities", [json!({})]);
    refuses("/context/contextActivities", "2.4.6.2", not_a("object"));
    refuses("/context/contextActivities/parents", "2.2", [one]);
}

/// Each of the two lists of 2.0: its name, its items' type, and a valid item.
fn lists_of_2_0() -> [(&'static str, &'static str, Value); 2] {
    let agent = json!({"mbox": "mailto:ada@example.org"});
    let group = json!({"objectType": "Group", "member": [agent]});
    [
        ("contextAgents", "agent", json!({"objectType": "contextAgent", "agent": agent})),
        ("contextGroups", "group", json!({"objectType": "contextGroup", "group": group})),
    ]
}

#[track_caller]
fn refused_by_2_0(list: &str, value: Value, path: &str) {
    let statement = with(&format!("/context/{list}"), value);
    let violation = check(&statement, Version::V2_0).unwrap_err();
    assert_eq!(violation.path, format!("context.{list}{path}"), "{statement}: {violation}");
    let violation = check(&statement, Version::V1_0).unwrap_err();
    assert_eq!(violation.path, format!("context.{list}"), "{violation}");
}

#[test]
fn context_agents_and_groups_are_of_2_0() {
    let relevant = json!(["https://example.org/role"]);
    for (list, actor, item) in lists_of_2_0() {
        let pointer = format!("/context/{list}");
        let whole = set(item.clone(), "/relevantTypes", relevant.clone());
        let statement = with(&pointer, json!([item, whole]));
        assert_eq!(check(&statement, Version::V2_0), Ok(()));
        assert_eq!(check(&statement, Version::V1_0).unwrap_err().path, format!("context.{list}"));
        refused_by_2_0(list, item.clone(), "");
        let at = |pointer: &str, value: Value| json!([set(item.clone(), pointer, value)]);
        refused_by_2_0(list, at("/objectType", json!("Agent")), "[0].objectType");
        refused_by_2_0(list, at("/relevantTypes", json!([])), "[0].relevantTypes");
        refused_by_2_0(list, at("/relevantTypes", json!(["role"])), "[0].relevantTypes[0]");
        refused_by_2_0(list, at("/extra", json!(1)), "[0].extra");
        refused_by_2_0(list, json!([{"objectType": item["objectType"]}]), &format!("[0].{actor}"));
        refused_by_2_0(list, json!([{actor: item[actor]}]), "[0].objectType");
    }
    let agent = json!([{"objectType": "contextAgent", "agent": {"name": "Ada"}}]);
    refused_by_2_0("contextAgents", agent, "[0].agent");
    let agent = json!([{"objectType": "contextGroup", "group": {"mbox": "mailto:a@example.org"}}]);
    refused_by_2_0("contextGroups", agent, "[0].group.objectType");
}
