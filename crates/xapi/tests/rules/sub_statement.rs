//! Sub-statements (2.4.4.3).

use serde_json::{Value, json};

use crate::{accepted, refused, set, valid, with};

fn sub_statement() -> Value {
    set(valid(), "/objectType", json!("SubStatement"))
}

/// A statement about the sub-statement with the value at a JSON pointer set.
fn about(pointer: &str, value: Value) -> Value {
    with("/object", set(sub_statement(), pointer, value))
}

#[test]
fn a_sub_statement_is_checked_as_a_statement() {
    accepted(&with("/object", sub_statement()));
    accepted(&about("/timestamp", json!("2126-01-01T00:00:00Z")));
    accepted(&about("/result/success", json!(true)));
    let uuid = "9d3a2f0e-1111-4222-8333-444455556666";
    accepted(&about("/object", json!({"objectType": "StatementRef", "id": uuid})));
    refused(&about("/verb/id", json!("did")), "object.verb.id", "4.3");
    refused(&about("/timestamp", json!("now")), "object.timestamp", "4.5");
    refused(&about("/result/score/scaled", json!(2)), "object.result.score.scaled", "2.4.5.1");
    refused(&about("/context/language", json!("")), "object.context.language", "4.2");
    refused(&about("/object", json!({})), "object.object.id", "2.4.4.1");
    let voided = json!("http://adlnet.gov/expapi/verbs/voided");
    refused(&about("/verb/id", voided), "object.object", "2.3.2");
    for name in ["actor", "verb", "object"] {
        let mut inner = sub_statement();
        inner.as_object_mut().unwrap().remove(name);
        refused(&with("/object", inner), &format!("object.{name}"), "2.4.4.3");
    }
}

#[test]
fn it_lacks_what_only_stored_statements_have() {
    let agent = json!({"mbox": "mailto:b@example.org"});
    for (name, value) in [
        ("id", json!("9d3a2f0e-1111-4222-8333-444455556666")),
        ("stored", json!("2026-01-01T00:00:00Z")),
        ("version", json!("1.0.0")),
        ("authority", agent),
    ] {
        refused(&about(&format!("/{name}"), value), &format!("object.{name}"), "2.2");
    }
}

#[test]
fn it_holds_no_other() {
    refused(&about("/object", sub_statement()), "object.object", "2.4.4.3");
}

#[test]
fn its_context_fits_its_own_object() {
    accepted(&about("/context/revision", json!("1")));
    let agent = json!({"objectType": "Agent", "mbox": "mailto:b@example.org"});
    let inner = set(sub_statement(), "/object", agent);
    let statement = with("/object", set(inner, "/context/platform", json!("p")));
    refused(&statement, "object.context.platform", "2.4.6");
}
