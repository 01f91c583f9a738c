//! Special data types: extensions (4.1), language maps (4.2), timestamps (4.5).

use hedgeschool_xapi::Version;
use serde_json::{Value, json};

use crate::{accepted, check, not_a, refused, refuses, with};

#[test]
fn extensions_are_anything_under_iris() {
    for place in ["object/definition", "result", "context"] {
        let pointer = format!("/{place}/extensions");
        let path = pointer.trim_start_matches('/').replace('/', ".");
        let key = "https://example.org/e";
        accepted(&with(&pointer, json!({})));
        for value in [json!(null), json!(""), json!({}), json!([{"Any": {"": 1}}]), json!(1e300)] {
            accepted(&with(&pointer, json!({key: value})));
        }
        for key in ["", "note", "example"] {
            refused(&with(&pointer, json!({key: 1})), &format!("{path}.{key}"), "4.1");
        }
        refuses(&pointer, "4.1", not_a("object"));
    }
}

#[test]
fn language_maps_have_texts_by_tag() {
    for (pointer, path) in [
        ("/verb/display", "verb.display"),
        ("/object/definition/name", "object.definition.name"),
        ("/object/definition/description", "object.definition.description"),
    ] {
        accepted(&with(
            pointer,
            json!({"en": "", "ga-IE": "a", "zh-Hans-CN": "b", "i-klingon": "c"}),
        ));
        for tag in ["", "not a tag", "a12345", "en_US", "toolongtag", "en-"] {
            refused(&with(pointer, json!({tag: "x"})), &format!("{path}.{tag}"), "4.2");
        }
        for value in not_a("string") {
            refused(&with(pointer, json!({"en": value})), &format!("{path}.en"), "4.2");
        }
    }
}

#[test]
fn timestamps_are_moments() {
    for text in [
        "2026-02-28T23:59:59Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00.123456789+05:45",
        "2024-02-29T12:00:00-11:00",
        "2016-12-31T23:59:60Z",
        // LRSs do not judge clocks (2.4.7).
        "2999-01-01T00:00:00Z",
    ] {
        accepted(&with("/timestamp", json!(text)));
    }
    let others = [
        "",
        "now",
        "2026-01-01",
        "01/01/2026",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T00:00:00-0000",
        "2026-01-01T00:00:00-00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00Z[UTC]",
    ];
    refuses("/timestamp", "4.5", others.map(Value::from).into_iter().chain(not_a("string")));
}

#[test]
fn short_zones_are_of_1_0() {
    for zone in ["+01", "+0100", "-0930"] {
        let statement = with("/timestamp", json!(format!("2026-01-01T00:00:00{zone}")));
        assert_eq!(check(&statement, Version::V1_0), Ok(()));
        assert_eq!(check(&statement, Version::V2_0).unwrap_err().path, "timestamp");
    }
}
