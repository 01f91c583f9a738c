//! From a body to statements that can be stored, and what is known of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use hedgeschool_xapi::{Draft, Error, Facts, Record, Stamp, Version, parse_batch, parse_one};
use proptest::prelude::*;
use serde_json::{Value, json};

fn valid() -> Value {
    json!({
        "actor": {"mbox": "mailto:ada@example.org"},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/completed"},
        "object": {"id": "https://example.org/course"},
    })
}

/// The valid statement with the value at a JSON pointer's parent set.
fn with(pointer: &str, value: Value) -> Value {
    let mut statement = valid();
    let mut place = &mut statement;
    for step in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        place = &mut place[step];
    }
    *place = value;
    statement
}

fn parse(statement: &Value) -> Result<Vec<Record>, Error> {
    let text = statement.to_string();
    let drafts = parse_batch(&text, Version::V1_0)?;
    Ok(drafts.into_iter().map(complete).collect())
}

fn complete(draft: Draft) -> Record {
    let id = "00000000-0000-4000-8000-000000000001".to_owned();
    draft.complete(Stamp {
        id,
        now: "2026-01-01T00:00:00.000Z",
        authority: r#"{"mbox":"mailto:lrs@example.org"}"#,
    })
}

fn record(statement: &Value) -> Record {
    parse(statement).unwrap().remove(0)
}

#[test]
fn a_plain_statement_is_accepted() {
    assert_eq!(parse(&valid()).unwrap().len(), 1);
}

#[test]
fn a_voiding_statement_names_its_target() {
    let mut statement = valid();
    statement["verb"]["id"] = json!("http://adlnet.gov/expapi/verbs/voided");
    let target = "9D3A2F0E-1111-4222-8333-444455556666";
    statement["object"] = json!({"objectType": "StatementRef", "id": target});
    let voided = Facts::of(&record(&statement).body).unwrap().voids;
    let voided = voided.map(|id| uuid::Uuid::from_bytes(id).to_string());
    assert_eq!(voided.as_deref(), Some("9d3a2f0e-1111-4222-8333-444455556666"));
}

#[test]
fn a_batch_is_accepted_whole_or_names_the_first_bad_statement() {
    let batch = json!([valid(), {"actor": 1}, valid()]);
    assert!(matches!(parse(&batch), Err(Error::Invalid { index: 1, .. })));
    assert!(matches!(parse(&json!("text")), Err(Error::NotStatements)));
    assert!(matches!(parse_batch("{", Version::V1_0), Err(Error::Json(_))));
    assert_eq!(parse(&json!([])).unwrap().len(), 0);
}

#[test]
fn what_was_sent_stays_as_it_was_written() {
    let sent = r#"{ "actor" : {"mbox":"mailto:ada@example.org"}, "verb":{"id":"https:\/\/example.org\/did"},
        "object":{"id":"https://example.org/a"}, "result":{"score":{"raw":1.50}} }"#;
    let body = complete(parse_one(sent, Version::V1_0).unwrap()).body;
    assert!(body.contains(r#""verb":{"id":"https:\/\/example.org\/did"}"#), "{body}");
    assert!(body.contains(r#"{"score":{"raw":1.50}}"#), "{body}");
    let value: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["version"], "1.0.0");
    assert_eq!(value["timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(value["authority"]["mbox"], "mailto:lrs@example.org");
}

#[test]
fn a_property_written_twice_is_refused() {
    let sent = r#"{"actor":{"mbox":"mailto:a@b.c"},"actor":{"mbox":"mailto:d@e.f"},
        "verb":{"id":"https://example.org/did"},"object":{"id":"https://example.org/a"}}"#;
    assert!(parse_batch(sent, Version::V1_0).is_err());
}

#[test]
fn many_properties_take_no_longer_than_their_number() {
    let mut statement = valid();
    let numbers = (0..80_000).map(|number| (format!("a:{number}"), json!(0)));
    statement["context"]["extensions"] = Value::Object(numbers.clone().collect());
    assert!(Facts::of(&record(&statement).body).is_some());
    statement.as_object_mut().unwrap().remove("context");
    statement.as_object_mut().unwrap().extend(numbers);
    assert!(matches!(parse(&statement), Err(Error::Invalid { .. })));
}

#[test]
fn facts_are_read_from_what_was_stored() {
    let mut statement = valid();
    statement["result"] = json!({
        "score": {"scaled": 0.8}, "success": true, "duration": "PT1M30.5S",
        "extensions": {"https://w3id.org/xapi/cmi5/result/extensions/progress": 60},
    });
    statement["context"] = json!({"registration": "9D3A2F0E-1111-4222-8333-444455556666"});
    let stored = record(&statement);
    let facts = Facts::of(&stored.body).unwrap();
    assert_eq!(uuid::Uuid::from_bytes(facts.id).to_string(), stored.id);
    assert_eq!(facts.agent.as_deref(), Some("mbox:mailto:ada@example.org"));
    assert_eq!(facts.activity.as_deref(), Some("https://example.org/course"));
    assert_eq!(facts.registration.as_deref(), Some("9d3a2f0e-1111-4222-8333-444455556666"));
    assert!(facts.completed && facts.passed);
    assert_eq!(
        (facts.score, facts.progress, facts.duration_ms),
        (Some(0.8), Some(60), Some(90_500))
    );
}

/// Nodes compare fingerprints, and keep definitions by their hash: a new version must make the
/// same ones of the same statement.
#[test]
fn fingerprints_and_hashes_are_those_of_other_versions() {
    let odd = r#"[-0,1e2,0.1,1.50,18446744073709551615,9007199254740993,true,null,{"b":1,"a":"\ud83d\ude00"}]"#;
    let definition = format!(
        r#"{{"type":"https://example.org/t","name":{{"fr":"\u00e9t\u00e9 \"\n\u0001","en":"a\/b"}},
            "extensions":{{"https://example.org/x":{odd}}}}}"#
    );
    let body = format!(
        r#"{{"id":"9d3a2f0e-1111-4222-8333-444455556666","actor":{{"mbox":"mailto:Ada@Example.ORG","name":"Ad\u00e9"}},
            "verb":{{"id":"https://example.org/did"}},"object":{{"id":"https://example.org/a","definition":{definition}}},
            "result":{{"extensions":{{"https://example.org/x":{odd}}}}},"timestamp":"2026-01-01T00:00:00Z",
            "authority":{{"mbox":"mailto:l@example.org"}},"version":"1.0.0"}}"#
    );
    let facts = Facts::of(&body).unwrap();
    assert_eq!(
        facts.fingerprint,
        [177, 15, 51, 197, 220, 114, 45, 55, 27, 60, 209, 5, 127, 24, 111, 39]
    );
    assert_eq!(facts.definitions[0].hash, -6_495_458_493_216_974_023);
    assert_eq!(facts.terms.iter().fold(0, |all: i64, term| all ^ term), -5_260_773_721_874_571_189);
}

proptest! {
    #[test]
    fn no_text_is_trouble(text in "\\PC{0,200}") {
        let _ = parse_batch(&text, Version::V2_0);
        let _ = Facts::of(&text);
    }

    #[test]
    fn no_json_at_any_place_is_trouble(
        pointer in prop::sample::select(vec![
            "/actor", "/actor/account", "/verb", "/verb/display", "/object", "/object/definition",
            "/result", "/result/score", "/context", "/context/contextActivities", "/attachments",
            "/id",
        ]),
        value in prop::sample::select(vec![
            json!(null), json!(1e308), json!(-1), json!([]), json!({}), json!([[]]), json!("\u{0}"),
            json!({"": null}), json!({"objectType": {}}),
            json!([{"objectType": "Group", "member": [{}]}]),
        ]),
    ) {
        let _ = parse(&with(pointer, value));
    }
}

#[test]
fn a_body_is_refused_in_the_same_words_however_it_is_written() {
    let refusal = |body: &str| parse_batch(body, Version::V1_0).unwrap_err().to_string();
    let cases = [
        ("[{\"a\":1},", "the body is not valid JSON: EOF while parsing a value at line 1 column 9"),
        (" 7", "the body must be a statement or an array of statements"),
        ("[{},7]", "statements[0]: actor: is required (xAPI 2.4)"),
        (
            "[{\"actor\":1,\"actor\":2}]",
            "statements[0]: statement: has the property \"actor\" twice at line 1 column 21 \
             (xAPI 2.2)",
        ),
    ];
    for (body, words) in cases {
        assert_eq!(refusal(body), words, "{body}");
    }
}

#[test]
fn an_error_keeps_what_the_parser_said() {
    let error = parse_batch("{", Version::V1_0).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.source().unwrap().to_string(), source.to_string());
    assert_eq!(Err(error), parse_batch("{", Version::V1_0).map(drop));
}

#[test]
fn a_value_that_was_made_here_becomes_the_same_statement_as_its_text() {
    let activity = json!({"id": "https://example.org/parent"});
    let mut statement = with("/context/contextActivities/parent", activity);
    statement["id"] = json!("9d3a2f0e-1111-4222-8333-444455556666");
    let made = Draft::from_value(&statement, Version::V1_0).unwrap();
    assert_eq!(complete(made), record(&statement));
    let refused = Draft::from_value(&json!({"actor": 1}), Version::V1_0).unwrap_err();
    assert!(matches!(refused, Error::Invalid { index: 0, .. }));
    let large = with("/result/response", json!("x".repeat(1 << 20)));
    let refused = Draft::from_value(&large, Version::V1_0).unwrap_err();
    assert_eq!(refused, Error::TooLarge { index: 0 });
}

proptest! {
    #[test]
    fn escapes_and_white_space_change_nothing(
        spaces in prop::collection::vec("[ \n\t]{0,2}", 8),
        escaped: bool,
    ) {
        let mut statement = valid();
        statement["id"] = json!("9d3a2f0e-1111-4222-8333-444455556666");
        let mut members = Vec::new();
        for ((name, value), space) in statement.as_object().unwrap().iter().zip(&spaces) {
            // A name with an escape is read in the slow way.
            let name = if escaped { name.replacen('o', "\\u006f", 1) } else { name.clone() };
            members.push(format!("{space}\"{name}\"{space}:{space}{value}{space}"));
        }
        let text = format!("{0}[{{{1}}}]{0}", spaces[7], members.join(","));
        let drafts = parse_batch(&text, Version::V1_0).unwrap();
        let records: Vec<_> = drafts.into_iter().map(complete).collect();
        prop_assert_eq!(records, [record(&statement)]);
    }
}
