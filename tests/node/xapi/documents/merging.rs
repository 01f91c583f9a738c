//! JSON posted to documents (xAPI 1.0.3, part three, 2.2).

use anyhow::{Result, ensure};
use hedgeschool_tests::{Node, in_parallel};
use http::Method;
use serde_json::json;

use super::{RESOURCES, document, put, state};
use crate::xapi::VERSIONS;

#[test]
fn json_is_merged_by_property_and_kept_as_it_was_written() -> Result<()> {
    let node = Node::start()?;
    for (version, resource) in VERSIONS.into_iter().flat_map(|v| RESOURCES.map(|r| (v, r))) {
        let (client, path) = (node.speaking(version), document(resource, version));
        client.post(&path, &json!({ "a": { "x": 1 }, "b": [1] }))?.expect(204)?;
        // More digits than a float has.
        let more = r#"{"a": {"y": null}, "c": 0.10000000000000000000001}"#.as_bytes();
        let media_type = "Application/JSON; charset=utf-8";
        client.send(Method::POST, &path, Some((media_type, more)))?.expect(204)?;
        let merged = client.get(&path)?.expect(200)?;
        ensure!(merged.text().contains("0.10000000000000000000001"), "{}", merged.text());
        let merged = merged.json()?;
        assert_eq!(merged["a"], json!({ "y": null }));
        assert_eq!(merged["b"], json!([1]));
    }
    Ok(())
}

#[test]
fn what_cannot_be_merged_is_refused_and_changes_nothing() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let (object, text) = (state("object"), state("text"));
    put(&client, &object, "application/json", b"{\"a\":1}")?;
    put(&client, &text, "text/plain", b"{\"a\":1}")?;
    let json = "application/json";
    let refused: [(&str, &str, &[u8]); 7] = [
        (&object, "text/plain", b"{\"b\":2}"),
        (&text, json, b"{\"b\":2}"),
        (&text, "text/plain", b"{\"b\":2}"),
        (&object, json, b"{\"b\":2}{"),
        (&object, json, b"[1]"),
        (&object, json, b"\"\xff\""),
        (&state("new"), json, b"{"),
    ];
    for (path, media_type, content) in refused {
        let answer = client.send(Method::POST, path, Some((media_type, content)))?.expect(400)?;
        ensure!(!answer.text().is_empty());
    }
    for path in [object, text] {
        assert_eq!(client.get(&path)?.expect(200)?.text(), "{\"a\":1}");
    }
    client.get(&state("new"))?.expect(404)?;
    // Of another type it is none of ours; and a PUT may be any JSON, as long as it is.
    client.send(Method::POST, &state("new"), Some(("text/plain", b"{")))?.expect(204)?;
    client.put(&state("list"), &json!([1]))?.expect(204)?;
    client.send(Method::PUT, &state("list"), Some((json, b"[1")))?.expect(400)?;
    Ok(())
}

#[test]
fn of_merges_at_the_same_time_none_is_lost() -> Result<()> {
    const WRITERS: usize = 8;
    const POSTS: usize = 8;
    let node = Node::start()?;
    let (client, path) = (node.xapi(), document(RESOURCES[2], "shared"));
    let write = |writer: usize| -> Result<()> {
        for post in 0..POSTS {
            let name = format!("{writer}-{post}");
            client.post(&path, &json!({ name: post }))?.expect(204)?;
        }
        Ok(())
    };
    in_parallel(WRITERS, &write)?;
    let merged = client.get(&path)?.expect(200)?.json()?;
    assert_eq!(merged.as_object().map(|merged| merged.len()), Some(WRITERS * POSTS));
    Ok(())
}
