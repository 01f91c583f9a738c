//! What is known of persons and activities (xAPI 1.0.3, part three, 2.4 and 2.5).

use anyhow::Result;
use hedgeschool_tests::{Node, address, statement};
use serde_json::{Value, json};

use super::{ACTIVITY, ADA};

#[test]
fn a_person_has_the_names_that_statements_give() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let person = |agent: &str| -> Result<Value> {
        client.get(&address("/xapi/agents", &[("agent", agent)]))?.expect(200)?.json()
    };
    let mbox = json!(["mailto:ada@example.org"]);
    assert_eq!(person(ADA)?, json!({ "objectType": "Person", "mbox": mbox }));
    statement::post(&client, &statement::new_id())?;
    assert_eq!(person(ADA)?, json!({ "objectType": "Person", "name": ["Ada"], "mbox": mbox }));
    let account = json!({ "homePage": "https://example.org", "name": "al" });
    let al = json!({ "name": "Al", "account": account }).to_string();
    let expected = json!({ "objectType": "Person", "name": ["Al"], "account": [account] });
    assert_eq!(person(&al)?, expected);

    let group = r#"{"objectType":"Group","mbox":"mailto:all@example.org"}"#;
    for parameters in [&[][..], &[("agent", group)], &[("agent", "{}")], &[("agent", "ada")]] {
        client.get(&address("/xapi/agents", parameters))?.expect(400)?;
    }
    client.get(&address("/xapi/agents", &[("agent", ADA), ("x", "y")]))?.expect(400)?;
    client.post("/xapi/agents", &json!({}))?.expect(405)?;
    Ok(())
}

#[test]
fn an_activity_has_all_that_statements_tell_of_it() -> Result<()> {
    let node = Node::start()?;
    let client = node.xapi();
    let path = address("/xapi/activities", &[("activityId", ACTIVITY)]);
    let unknown = client.get(&path)?.expect(200)?;
    assert_eq!(unknown.json()?, json!({ "objectType": "Activity", "id": ACTIVITY }));
    statement::post(&client, &statement::new_id())?;
    let mut other = statement::experienced(&statement::new_id());
    other["object"] = json!({ "id": ACTIVITY, "definition": { "name": { "ga": "An claí" } } });
    client.post("/xapi/statements", &other)?.expect(200)?;
    let known = client.get(&path)?.expect(200)?;
    let names = known.json()?.pointer("/definition/name").cloned();
    assert_eq!(names, Some(json!({ "en": "The hedge", "ga": "An claí" })));

    let again = client.clone().with_header("if-none-match", known.header("etag"));
    again.get(&path)?.expect(304)?;
    assert_ne!(unknown.header("etag"), known.header("etag"));
    client.get("/xapi/activities")?.expect(400)?;
    client.get(&address("/xapi/activities", &[("activityId", "true")]))?.expect(400)?;
    client.put(&path, &json!({}))?.expect(405)?;
    Ok(())
}
