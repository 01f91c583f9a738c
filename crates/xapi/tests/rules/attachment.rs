//! Attachments, as a statement describes them (2.4.11).

use serde_json::{Value, json};

use crate::{accepted, not_a, refused, set, with};

fn attachment() -> Value {
    json!({
        "usageType": "https://example.org/certificate",
        "display": {"en": "Certificate"},
        "contentType": "image/png",
        "length": 42,
        "sha2": "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a",
    })
}

/// A statement whose attachment has the value at a JSON pointer set.
fn with_attachment(pointer: &str, value: Value) -> Value {
    with("/attachments", json!([set(attachment(), pointer, value)]))
}

#[track_caller]
fn refuses(name: &str, section: &str, values: impl IntoIterator<Item = Value>) {
    for value in values {
        let statement = with_attachment(&format!("/{name}"), value);
        refused(&statement, &format!("attachments[0].{name}"), section);
    }
}

#[test]
fn all_but_description_and_file_url_is_required() {
    accepted(&with("/attachments", json!([])));
    accepted(&with("/attachments", json!([attachment(), attachment()])));
    accepted(&with_attachment("/description", json!({"en": "Of Ada"})));
    accepted(&with_attachment("/fileUrl", json!("https://example.org/c.png")));
    for name in ["usageType", "display", "contentType", "length", "sha2"] {
        let mut lacking = attachment();
        lacking.as_object_mut().unwrap().remove(name);
        let statement = with("/attachments", json!([attachment(), lacking]));
        refused(&statement, &format!("attachments[1].{name}"), "2.4.11");
    }
}

#[test]
fn properties_have_their_form() {
    refuses("usageType", "4.3", not_a("string"));
    refuses("display", "4.2", not_a("object"));
    refuses("description", "4.2", not_a("object"));
    refuses("fileUrl", "4.3", [json!("c.png"), json!("")]);
    refuses("fileURL", "2.2", [json!("https://example.org/c.png")]);
    refuses("length", "2.4.11", [json!("42"), json!(-1), json!(4.5)]);
}

#[test]
fn content_types_are_media_types() {
    for text in ["image/png", "text/plain; charset=utf-8", "application/vnd.x+json", "*/*"] {
        accepted(&with_attachment("/contentType", json!(text)));
    }
    let others = ["", "png", "image/", "/png", "image/png/x", "image png", "imáge/png"];
    refuses("contentType", "2.4.11", others.map(Value::from).into_iter().chain(not_a("string")));
}

#[test]
fn hashes_are_of_sha_2() {
    for digits in [56, 64, 96, 128] {
        accepted(&with_attachment("/sha2", json!("aF".repeat(digits / 2))));
    }
    let others = ["", "abc", &"a".repeat(40), &"a".repeat(63), &"g".repeat(64)];
    refuses("sha2", "2.4.11", others.map(Value::from).into_iter().chain(not_a("string")));
}
