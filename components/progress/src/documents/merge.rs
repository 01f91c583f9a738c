//! Documents that are JSON objects, and how one is merged into another (2.2).

use std::collections::BTreeMap;

use hedgeschool_web::Problem;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::store::types::Document;

/// The properties of an object, each as it was written: numbers that no computer can hold stay
/// whole.
type Properties<'a> = BTreeMap<String, &'a RawValue>;

/// Whether a media type is JSON, whatever its parameters are.
pub fn is_json(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case("application/json")
}

/// Reads what is sent as JSON.
///
/// # Errors
/// 400 for what is none.
pub fn check_json(content: &[u8]) -> Result<(), Problem> {
    let is_json = serde_json::from_slice::<IgnoredAny>(content);
    is_json.map(drop).map_err(|error| {
        Problem::bad_request(format!("the document is sent as JSON and is none: {error}"))
    })
}

/// Reads what is to be merged.
///
/// # Errors
/// 400 for what is no object.
pub fn check_object(content: &[u8]) -> Result<(), Problem> {
    read_properties(content, "document posted").map(drop)
}

/// The document with every property of the posted one in the place of its own.
///
/// # Errors
/// 400 unless both are JSON objects; then nothing may change.
pub fn merge_documents(
    current: &Document,
    media_type: &str,
    posted: &[u8],
) -> Result<Vec<u8>, Problem> {
    for (which, media_type) in
        [("document posted", media_type), ("document that is here", &current.media_type)]
    {
        if !is_json(media_type) {
            let rule = "only application/json is merged (xAPI 2.2): PUT replaces the document";
            return Err(Problem::bad_request(format!("the {which} is {media_type}: {rule}")));
        }
    }
    let mut merged = read_properties(&current.content, "document that is here")?;
    merged.append(&mut read_properties(posted, "document posted")?);
    serde_json::to_vec(&merged).map_err(Problem::internal)
}

fn read_properties<'a>(content: &'a [u8], which: &str) -> Result<Properties<'a>, Problem> {
    serde_json::from_slice(content).map_err(|error| {
        Problem::bad_request(format!("the {which} is not a JSON object (xAPI 2.2): {error}"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn document(content: &str) -> Document {
        Document {
            media_type: "application/json; charset=utf-8".into(),
            content: content.as_bytes().to_vec(),
            etag: String::new(),
            updated: 0,
        }
    }

    fn merged(current: &str, posted: &str) -> Result<String, String> {
        let merged = merge_documents(&document(current), "Application/JSON", posted.as_bytes());
        merged.map(|text| String::from_utf8(text).unwrap()).map_err(|problem| problem.detail)
    }

    #[test]
    fn values_stay_as_they_were_written() {
        let current = r#"{"b":{"x":1.50},"a":12345678901234567890123}"#;
        let posted = r#"{"c" : [ 1 ],"b":null}"#;
        let both = r#"{"a":12345678901234567890123,"b":null,"c":[ 1 ]}"#;
        assert_eq!(merged(current, posted).unwrap(), both);
    }

    #[test]
    fn only_objects_are_merged() {
        for (current, posted) in [("[]", "{}"), ("{}", "[]"), ("{}", "{"), ("x", "{}")] {
            assert!(merged(current, posted).is_err(), "{current} {posted}");
        }
        let text = Document { media_type: "text/plain".into(), ..document("{}") };
        assert!(merge_documents(&text, "application/json", b"{}").is_err());
        assert!(merge_documents(&document("{}"), "text/plain", b"{}").is_err());
        assert!(check_json(b"[1]").is_ok() && check_json(b"[1").is_err());
        assert!(check_object(b"{}").is_ok() && check_object(b"[1]").is_err());
    }

    fn any_object() -> impl Strategy<Value = Map<String, Value>> {
        let value = prop_oneof![Just(json!(null)), any::<i64>().prop_map(Value::from)];
        prop::collection::btree_map("[a-d]", value, 0..4)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_posted_wins_and_the_rest_stays(current in any_object(), posted in any_object()) {
            let text = |object: &Map<String, Value>| Value::from(object.clone()).to_string();
            let merged = merged(&text(&current), &text(&posted)).unwrap();
            let mut expected = current;
            expected.extend(posted);
            prop_assert_eq!(merged, text(&expected));
        }
    }
}
