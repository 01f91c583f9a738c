//! Formatting requirements (2.2), statements (2.4), voiding (2.3.2), authority (2.4.9).

use hedgeschool_xapi::{Error, parse_batch};
use serde_json::{Value, json};

use crate::{BOTH, accepted, accepts, not_a, refused, refuses, set, valid, with};

const UUID: &str = "9d3a2f0e-1111-4222-8333-444455556666";

#[test]
fn actor_verb_and_object_are_required() {
    accepted(&valid());
    for name in ["actor", "verb", "object"] {
        let mut statement = valid();
        statement.as_object_mut().unwrap().remove(name);
        refused(&statement, name, "2.4");
    }
}

#[test]
fn nulls_stand_in_extensions_only() {
    for name in ["id", "actor", "result", "context", "timestamp", "authority", "attachments"] {
        refused(&with(&format!("/{name}"), Value::Null), name, "2.2");
    }
    refuses("/actor/name", "2.2", [Value::Null]);
    refuses("/actor/objectType", "2.2", [Value::Null]);
    refuses("/object/definition/name/en", "4.2", [Value::Null]);
    refuses("/result/extensions", "2.2", [Value::Null]);
    accepts("/result/extensions", [json!({"https://example.org/e": null})]);
    accepts("/context/extensions", [json!({"https://example.org/e": {"deep": [null]}})]);
}

#[test]
fn names_are_those_of_the_standard_in_their_case() {
    refuses("/extra", "2.2", [json!(1), json!(null)]);
    refuses("/actor/nickname", "2.2", [json!("ada")]);
    refuses("/Timestamp", "2.2", [json!("2026-01-01T00:00:00Z")]);
    refuses("/verb/Display", "2.2", [json!({"en": "did"})]);
    refuses("/object/definition/moreinfo", "2.2", [json!("https://example.org/more")]);
    refuses("/result/score/Raw", "2.2", [json!(1)]);
    refuses("/context/Registration", "2.2", [json!(UUID)]);
    let statement = with("/actor/mBox", json!("mailto:b@example.org"));
    let violation = crate::check(&statement, crate::Version::V1_0).unwrap_err();
    assert!(violation.to_string().contains("\"mbox\""), "{violation}");
}

#[test]
fn a_property_stands_once() {
    let whole = valid().to_string();
    for (once, twice) in [
        (r#""mbox":"#, r#""mbox":"mailto:bob@example.org","mbox":"#),
        (r#""verb":"#, r#""verb":{"id":"https://example.org/did"},"verb":"#),
    ] {
        let repeated = whole.replacen(once, twice, 1);
        assert_ne!(repeated, whole);
        for version in BOTH {
            let error = parse_batch(&repeated, version).unwrap_err();
            let Error::Invalid { violation, .. } = error else { panic!("{error}") };
            assert_eq!(violation.section, "2.2");
            assert!(violation.rule.contains("twice"), "{violation}");
        }
    }
}

#[test]
fn values_have_their_types() {
    for name in ["actor", "object", "result", "context", "authority"] {
        for value in not_a("object") {
            let statement = with(&format!("/{name}"), value);
            assert!(crate::check(&statement, crate::Version::V1_0).is_err(), "{statement}");
        }
    }
    refuses("/verb", "2.4.3", not_a("object"));
    refuses("/verb/display", "4.2", not_a("object"));
    refuses("/attachments", "2.4.11", not_a("array"));
}

#[test]
fn ids_are_uuids() {
    let forms =
        [UUID, "9D3A2F0E-1111-4222-8333-444455556666", "9d3a2f0e-1111-1222-8333-444455556666"];
    accepts("/id", forms.map(Value::from));
    let braced = format!("{{{UUID}}}");
    let urn = format!("urn:uuid:{UUID}");
    let plain = UUID.replace('-', "");
    let others =
        ["", "1", &braced, &urn, &plain, &UUID[1..], "9d3a2f0e-1111-4222-8333-44445555666g"];
    refuses("/id", "4.4", others.map(Value::from).into_iter().chain(not_a("string")));
    refuses("/context/registration", "4.4", others.map(Value::from));
}

#[test]
fn verbs_have_an_iri() {
    refused(&with("/verb", json!({"display": {"en": "did"}})), "verb.id", "2.4.3");
    refuses("/verb/id", "4.3", [json!(""), json!("did"), json!("example.org/did"), json!({})]);
    accepts("/verb/display", [json!({}), json!({"en": "did", "ga-IE": ""})]);
}

#[test]
fn voided_needs_a_reference() {
    let voided = with("/verb/id", json!("http://adlnet.gov/expapi/verbs/voided"));
    refused(&voided, "object", "2.3.2");
    let agent = json!({"objectType": "Agent", "mbox": "mailto:b@example.org"});
    refused(&set(voided.clone(), "/object", agent), "object", "2.3.2");
    let reference = json!({"objectType": "StatementRef", "id": UUID});
    accepted(&set(voided, "/object", reference));
}

#[test]
fn references_have_a_uuid_and_nothing_else() {
    let reference = json!({"objectType": "StatementRef", "id": UUID});
    accepted(&with("/object", reference.clone()));
    let without = json!({"objectType": "StatementRef"});
    refused(&with("/object", without), "object.id", "2.4.4.3");
    let more = set(reference.clone(), "/definition", json!({}));
    refused(&with("/object", more), "object.definition", "2.2");
    refused(&with("/object", set(reference, "/id", json!("x"))), "object.id", "4.4");
}

#[test]
fn objects_are_of_a_known_type() {
    refuses(
        "/object/objectType",
        "2.4.4",
        [json!("activity"), json!("Statement"), json!(""), json!(1)],
    );
    accepts("/object/objectType", [json!("Activity")]);
    // An agent without its objectType would be an activity.
    refused(&with("/object", json!({"mbox": "mailto:b@example.org"})), "object.mbox", "2.2");
}

#[test]
fn an_authority_is_an_agent_or_an_anonymous_group_of_two() {
    let application = json!({"account": {"homePage": "https://example.org/token", "name": "app"}});
    let user = json!({"mbox": "mailto:bob@example.org"});
    let group = |members: Value| json!({"objectType": "Group", "member": members});
    let two = group(json!([application, user]));
    accepts("/authority", [user.clone(), application.clone(), two.clone()]);
    refuses(
        "/authority",
        "2.4.9",
        [
            group(json!([user])),
            group(json!([user, user, application])),
            set(two.clone(), "/mbox", json!("mailto:group@example.org")),
            set(two.clone(), "/account", application["account"].clone()),
        ],
    );
    refuses("/authority", "2.4.2.2", [group(json!([])), json!({"objectType": "Group"})]);
    let nested = with("/authority", group(json!([user, two])));
    refused(&nested, "authority.member[1].objectType", "2.4.2.1");
    refuses("/authority", "2.4.2.1", [json!({}), json!({"name": "bob"})]);
}

#[test]
fn what_a_store_sets_is_checked_when_sent() {
    accepts("/stored", [json!("2026-01-01T00:00:00Z")]);
    refuses("/stored", "4.5", [json!("today"), json!(1)]);
}
