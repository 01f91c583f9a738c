use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn document(stamp: i64, writer: &str, seen: Value, content: Option<&[u8]>) -> Document {
    let sent = json!({
        "kind": "state", "activity": "https://example.org/a", "agent": "mbox:mailto:a@example.org",
        "registration": "", "id": "s", "media_type": "text/plain", "etag": "e",
        "stamp": stamp, "writer": writer, "seen": seen,
        "content": content.map(|content| STANDARD.encode(content)),
    });
    Document::parse(&sent.to_string()).unwrap()
}

/// What is here after a row was stored.
fn stored(row: Other) -> Stored {
    let mut body: Value = serde_json::from_str(&row.body).unwrap();
    let members = body.as_object_mut().unwrap();
    for beside in ["here", "lost", "is_made"] {
        members.remove(beside);
    }
    let document = Document::parse(&body.to_string()).unwrap();
    Stored { document: Document { content: row.content, ..document }, mark: "mark".into() }
}

fn lost(row: &Other) -> Option<Value> {
    let body: Value = serde_json::from_str(&row.body).unwrap();
    body.get("lost").cloned()
}

#[test]
fn a_document_is_written_as_it_was_read() {
    for content in [None, Some(&b""[..]), Some(&[0, 255, 7])] {
        let read = document(1, "a", json!({ "a": 1 }), content);
        assert_eq!(read.content.as_deref(), content);
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(Document::parse(&written).unwrap(), read);
    }
    for wrong in [json!("no base64!"), json!(1), json!(["AA=="])] {
        let mut sent = serde_json::to_value(document(1, "a", json!({}), None)).unwrap();
        sent["content"] = wrong;
        assert!(matches!(Document::parse(&sent.to_string()), Err(Error::Invalid(_))), "{sent}");
    }
}

#[test]
fn what_is_new_arrives_and_what_is_known_does_not() {
    let first = document(1, "a", json!({ "a": 1 }), Some(b"one"));
    let row = first.clone().arrive(None).unwrap().unwrap();
    assert_eq!(row.content.as_deref(), Some(&b"one"[..]));
    assert!(row.body.contains(r#""here":null"#) && !row.body.contains("content"), "{}", row.body);
    let later = document(2, "b", json!({ "a": 1, "b": 2 }), Some(b"two"));
    let row = later.clone().arrive(Some(stored(row))).unwrap().unwrap();
    assert!(row.body.contains(r#""here":"mark""#) && lost(&row).is_none(), "{}", row.body);
    assert!(first.arrive(Some(stored(row))).unwrap().is_none(), "what is here knows of it");
}

#[test]
fn who_loses_is_kept_unless_both_say_the_same() {
    let here = document(1, "a", json!({ "a": 1 }), Some(b"one"));
    let here = || stored(here.clone().arrive(None).unwrap().unwrap());
    let other = document(2, "b", json!({ "b": 2 }), Some(b"two"));
    let row = other.arrive(Some(here())).unwrap().unwrap();
    assert_eq!(lost(&row).unwrap()["content"], STANDARD.encode("one"));
    let same = document(2, "b", json!({ "b": 2 }), Some(b"one"));
    let row = same.arrive(Some(here())).unwrap().unwrap();
    assert_eq!(lost(&row), None);
    let deletion = document(2, "b", json!({ "b": 2 }), None);
    let row = deletion.arrive(Some(here())).unwrap().unwrap();
    assert!(row.content.is_none() && lost(&row).is_some(), "{}", row.body);
}

proptest! {
    #[test]
    fn versions_converge_in_any_order(
        (one, other) in prop::collection::btree_map("[a-f]", (1_i64..9, "[x-z]"), 1..5)
            .prop_map(|by_writer| by_writer.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        repeated in 0..5_usize,
    ) {
        let stand = |versions: &[(String, (i64, String))]| {
            let again = versions.get(repeated).into_iter();
            let mut here: Option<Document> = None;
            for (writer, (stamp, content)) in versions.iter().chain(again) {
                let seen = json!({ writer: stamp });
                let arriving = document(*stamp, writer, seen, Some(content.as_bytes()));
                let mark = "mark".to_owned();
                let is = here.clone().map(|document| Stored { document, mark });
                if let Some(row) = arriving.arrive(is).unwrap() {
                    here = Some(stored(row).document);
                }
            }
            here
        };
        prop_assert_eq!(stand(&one), stand(&other));
    }
}
