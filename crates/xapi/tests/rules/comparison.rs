//! Which statements are the same (2.3.1, Statement Comparison Requirements).

use hedgeschool_xapi::{Facts, Stamp, Version, agent_id, parse_one};
use serde_json::{Value, json};

use crate::{set, valid, with};

fn fingerprint(statement: &Value) -> [u8; 16] {
    let text = statement.to_string();
    let draft = parse_one(&text, Version::V2_0).unwrap();
    let id = "00000000-0000-4000-8000-000000000001".to_owned();
    let stamp = Stamp { id, now: "2026-01-01T00:00:00Z", authority: "{}" };
    Facts::of(&draft.complete(stamp).body).unwrap().fingerprint
}

#[track_caller]
fn same(one: &Value, other: &Value) {
    assert_eq!(fingerprint(one), fingerprint(other), "{one} {other}");
}

#[track_caller]
fn differ(one: &Value, other: &Value) {
    assert_ne!(fingerprint(one), fingerprint(other), "{one} {other}");
}

/// Statements that have these values at a JSON pointer are the same.
#[track_caller]
fn same_at(pointer: &str, one: Value, other: Value) {
    same(&with(pointer, one), &with(pointer, other));
}

#[track_caller]
fn differ_at(pointer: &str, one: Value, other: Value) {
    differ(&with(pointer, one), &with(pointer, other));
}

fn sub_statement() -> Value {
    set(valid(), "/objectType", json!("SubStatement"))
}

#[test]
fn what_a_store_sets_does_not_count() {
    for (name, value) in [
        ("id", json!("9d3a2f0e-1111-4222-8333-444455556666")),
        ("timestamp", json!("2020-01-01T00:00:00Z")),
        ("stored", json!("2020-01-01T00:00:00Z")),
        ("version", json!("1.0.3")),
        ("authority", json!({"mbox": "mailto:x@example.org"})),
    ] {
        same(&with(&format!("/{name}"), value), &valid());
    }
}

#[test]
fn displays_and_definitions_are_no_part_of_a_statement() {
    same(&with("/verb/display", json!({"en": "did"})), &valid());
    same(&with("/object/definition/name", json!({"en": "A course"})), &valid());
    same_at(
        "/context/contextActivities/parent",
        json!([{"id": "https://example.org/p", "definition": {"name": {"en": "P"}}}]),
        json!([{"id": "https://example.org/p"}]),
    );
    let inner = set(sub_statement(), "/verb/display", json!({"en": "did"}));
    same(&with("/object", inner), &with("/object", sub_statement()));
}

#[test]
fn what_was_done_counts() {
    for (pointer, value) in [
        ("/actor/name", json!("Ada")),
        ("/actor/mbox", json!("mailto:bob@example.org")),
        ("/verb/id", json!("https://example.org/did")),
        ("/object/id", json!("https://example.org/other")),
        ("/object/objectType", json!("Activity")),
        ("/result/success", json!(true)),
        ("/result/extensions", json!({"https://example.org/e": {"display": 1}})),
        ("/context/platform", json!("")),
    ] {
        differ(&with(pointer, value), &valid());
    }
    differ_at("/result/success", json!(true), json!(false));
    // The timestamp of a sub-statement is no store's to set.
    let at = |moment: &str| with("/object", set(sub_statement(), "/timestamp", json!(moment)));
    differ(&at("2026-01-01T00:00:00Z"), &with("/object", sub_statement()));
    differ(&at("2026-01-01T00:00:00Z"), &at("2026-01-01T00:00:01Z"));
    same(&at("2026-01-01T00:00:00Z"), &at("2026-01-01T01:00:00.0001+01:00"));
}

#[test]
fn what_is_said_of_attachments_counts() {
    let attached = |sha2: &str| {
        json!([{
            "usageType": "https://example.org/u", "display": {}, "contentType": "a/b", "length": 1,
            "sha2": sha2.repeat(64),
        }])
    };
    same_at("/attachments", attached("a"), attached("A"));
    differ_at("/attachments", attached("a"), attached("b"));
    differ(&with("/attachments", attached("a")), &valid());
}

#[test]
fn extensions_count_whole() {
    let at = |key: &str, value: Value| json!({"https://example.org/e": {key: value}});
    for key in ["definition", "display", "attachments", "id", "timestamp"] {
        differ_at("/result/extensions", at(key, json!("a")), at(key, json!("b")));
    }
    let registration = |text: &str| at("registration", json!(text));
    differ_at("/context/extensions", registration("A"), registration("a"));
    differ_at("/context/extensions", at("member", json!([1, 2])), at("member", json!([2, 1])));
}

#[test]
fn members_have_no_order_and_other_lists_do() {
    let agent = |name: &str| json!({"mbox": format!("mailto:{name}@example.org")});
    let group = |names: [&str; 2]| json!({"objectType": "Group", "member": names.map(agent)});
    for pointer in ["/actor", "/object", "/context/team", "/context/instructor"] {
        same_at(pointer, group(["a", "b"]), group(["b", "a"]));
        differ_at(pointer, group(["a", "b"]), group(["a", "c"]));
    }
    let activity = |name: &str| json!({"id": format!("https://example.org/{name}")});
    let list = |names: [&str; 2]| json!(names.map(activity));
    differ_at("/context/contextActivities/other", list(["a", "b"]), list(["b", "a"]));
    same_at("/context/contextActivities/other", activity("a"), json!([activity("a")]));
}

#[test]
fn case_counts_where_it_can() {
    let lower = "9d3a2f0e-1111-4222-8333-444455556666";
    same_at("/context/registration", json!(lower), json!(lower.to_uppercase()));
    same_at("/context/language", json!("en-GB"), json!("EN-gb"));
    same_at("/actor/mbox", json!("mailto:ada@example.org"), json!("mailto:ada@EXAMPLE.org"));
    differ_at("/actor/mbox", json!("mailto:ada@example.org"), json!("mailto:Ada@example.org"));
    let reference = |id: &str| json!({"objectType": "StatementRef", "id": id});
    same_at("/object", reference(lower), reference(&lower.to_uppercase()));
    same_at("/context/statement", reference(lower), reference(&lower.to_uppercase()));
    differ_at("/object/id", json!("https://example.org/a"), json!("https://example.org/A"));
}

#[test]
fn an_agents_identifier_has_one_spelling() {
    let id = |agent: Value| agent_id(&agent.to_string()).unwrap();
    let lower = id(json!({"mbox": "mailto:Ada@example.org"}));
    assert_eq!(lower, "mbox:mailto:Ada@example.org");
    assert_eq!(id(json!({"mbox": "mailto:Ada@Example.ORG", "name": "Ada"})), lower);
}

#[test]
fn durations_are_compared_as_text_to_hundredths_of_a_second() {
    same_at("/result/duration", json!("PT1.234S"), json!("PT1.239S"));
    differ_at("/result/duration", json!("PT1.23S"), json!("PT1.24S"));
    differ_at("/result/duration", json!("PT60S"), json!("PT1M"));
}

#[test]
fn numbers_and_texts_are_compared_by_what_they_say() {
    let print = |score: &str| {
        let whole = valid().to_string();
        let members = whole.strip_suffix('}').unwrap();
        let sent = format!(r#"{members},"result":{{"score":{{"raw":{score}}}}}}}"#);
        fingerprint(&serde_json::from_str(&sent).unwrap())
    };
    assert_eq!(print("1"), print("1.0"));
    assert_eq!(print("1e0"), print("1.00"));
    assert_ne!(print("1"), print("1.1"));
    assert_ne!(print("9007199254740993"), print("9007199254740992"));
}
