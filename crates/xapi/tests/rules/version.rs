//! Versions of requests (part three, 3.3) and of statements (2.4.10), and repeated ids (part
//! three, 2.1.2).

use hedgeschool_xapi::{Error, Version, parse_batch};
use serde_json::{Value, json};

use crate::{check, refuses, set, valid, with};

#[test]
fn every_patch_of_an_edition_is_that_edition() {
    for text in ["1.0", "1.0.0", "1.0.3", "1.0.9", "1.0.10", " 1.0.1 "] {
        assert_eq!(Version::parse(text), Some(Version::V1_0), "{text}");
    }
    for text in ["2.0", "2.0.0", "2.0.1"] {
        assert_eq!(Version::parse(text), Some(Version::V2_0), "{text}");
    }
    let others = [
        "", "1", "0.9", "0.95", "1.1", "1.1.0", "1.0.", "1.0.x", "1.01", "10.0.0", "2", "2.1.0",
        "3.0.0",
    ];
    for text in others {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}

#[test]
fn statements_say_the_edition_of_the_request_or_an_older_one() {
    let accepts = |text: &str, version| check(&with("/version", json!(text)), version).is_ok();
    for text in ["1.0", "1.0.0", "1.0.9"] {
        assert!(accepts(text, Version::V1_0) && accepts(text, Version::V2_0), "{text}");
    }
    for text in ["2.0", "2.0.0", "2.0.1"] {
        assert!(!accepts(text, Version::V1_0) && accepts(text, Version::V2_0), "{text}");
    }
    let others = ["", "0.9.9", "1", "1.1.0", "2.1.0", "latest"].map(Value::from);
    refuses("/version", "2.4.10", others.into_iter().chain([json!(1.0), json!({})]));
}

#[test]
fn a_repeated_id_is_for_1_0_only() {
    let one = with("/id", json!("9d3a2f0e-1111-4222-8333-444455556666"));
    let again = with("/id", json!("9D3A2F0E-1111-4222-8333-444455556666"));
    let batch = json!([one, valid(), again]).to_string();
    assert_eq!(parse_batch(&batch, Version::V1_0).unwrap().len(), 2);
    let repeated = parse_batch(&batch, Version::V2_0).unwrap_err();
    assert!(matches!(repeated, Error::RepeatedId { index: 2, .. }));
    let other = set(one.clone(), "/verb/id", json!("https://example.org/other"));
    let batch = json!([one, other]).to_string();
    let repeated = parse_batch(&batch, Version::V1_0).unwrap_err();
    assert!(matches!(repeated, Error::RepeatedId { index: 1, .. }));
}
