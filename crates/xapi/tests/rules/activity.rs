//! Activities, their definitions, and interactions (2.4.4.1).

use serde_json::{Value, json};

use crate::{accepted, accepts, not_a, refused, refuses, set, with};

const LISTS: [&str; 5] = ["choices", "scale", "source", "target", "steps"];

fn supported(kind: &str) -> &'static [&'static str] {
    match kind {
        "choice" | "sequencing" => &["choices"],
        "likert" => &["scale"],
        "matching" => &["source", "target"],
        "performance" => &["steps"],
        _ => &[],
    }
}

fn definition(value: Value) -> Value {
    with("/object/definition", value)
}

#[test]
fn activities_have_an_iri() {
    refused(&with("/object", json!({"objectType": "Activity"})), "object.id", "2.4.4.1");
    let others = ["", "course", "/course", "example.org", "https://example.org/a b", "a:b^"];
    refuses("/object/id", "4.3", others.map(Value::from).into_iter().chain(not_a("string")));
    let iris = [
        "urn:uuid:9d3a2f0e-1111-4222-8333-444455556666",
        "https://scoil.éire/cúrsa#1",
        "act:course",
    ];
    accepts("/object/id", iris.map(Value::from));
}

#[test]
fn definitions_have_typed_properties() {
    accepted(&definition(json!({
        "name": {"en": "Course"}, "description": {"ga": "Cúrsa"},
        "type": "http://adlnet.gov/expapi/activities/course",
        "moreInfo": "https://example.org/more", "extensions": {},
    })));
    accepted(&definition(json!({})));
    refuses("/object/definition", "2.4.4.1", not_a("object"));
    refuses("/object/definition/name", "4.2", not_a("object"));
    refuses("/object/definition/description", "4.2", not_a("object"));
    refuses("/object/definition/type", "4.3", not_a("string"));
    refuses("/object/definition/moreInfo", "4.3", [json!("nowhere"), json!("")]);
}

#[test]
fn each_interaction_has_its_lists_and_no_other() {
    let list = json!([{"id": "a", "description": {"en": "A"}}, {"id": "b"}]);
    for kind in [
        "true-false",
        "choice",
        "fill-in",
        "long-fill-in",
        "matching",
        "performance",
        "sequencing",
        "likert",
        "numeric",
        "other",
    ] {
        let plain = json!({"interactionType": kind, "correctResponsesPattern": ["a", ""]});
        accepted(&definition(plain.clone()));
        for name in LISTS {
            let statement = definition(set(plain.clone(), &format!("/{name}"), list.clone()));
            if supported(kind).contains(&name) {
                accepted(&statement);
            } else {
                refused(&statement, &format!("object.definition.{name}"), "2.4.4.1");
            }
        }
    }
}

#[test]
fn interaction_types_are_exact() {
    let others = ["", "Choice", "multiple", "true_false"].map(Value::from);
    refuses(
        "/object/definition/interactionType",
        "2.4.4.1",
        others.into_iter().chain(not_a("string")),
    );
}

#[test]
fn what_belongs_to_an_interaction_needs_its_type() {
    let path = "object.definition.interactionType";
    refused(&definition(json!({"correctResponsesPattern": []})), path, "2.4.4.1");
    for name in LISTS {
        refused(&definition(json!({name: [{"id": "a"}]})), path, "2.4.4.1");
    }
}

#[test]
fn components_have_distinct_ids() {
    let choices = |list: Value| definition(json!({"interactionType": "choice", "choices": list}));
    accepted(&choices(json!([])));
    let path = "object.definition.choices";
    refused(&choices(json!([{"id": "a"}, {"id": "a"}])), path, "2.4.4.1");
    refused(&choices(json!([{"id": "a"}, {}])), &format!("{path}[1].id"), "2.4.4.1");
    refused(&choices(json!([{"id": 1}])), &format!("{path}[0].id"), "2.2");
    refused(
        &choices(json!([{"id": "a", "description": "A"}])),
        &format!("{path}[0].description"),
        "4.2",
    );
    refused(&choices(json!(["a"])), &format!("{path}[0]"), "2.4.4.1");
    refused(&choices(json!({"id": "a"})), path, "2.4.4.1");
}

#[test]
fn response_patterns_are_strings() {
    let with_pattern = |pattern: Value| {
        definition(json!({"interactionType": "numeric", "correctResponsesPattern": pattern}))
    };
    accepted(&with_pattern(json!([])));
    refused(&with_pattern(json!("4")), "object.definition.correctResponsesPattern", "2.4.4.1");
    refused(&with_pattern(json!(["4", 4])), "object.definition.correctResponsesPattern[1]", "2.2");
    refused(&with_pattern(json!([null])), "object.definition.correctResponsesPattern[0]", "2.2");
}
