//! Components of ours in apps that are not ours: those under `examples/`.

use anyhow::{Context, Result};
use hedgeschool_tests::{
    Builder, Client, Node, Response, course, eventually, repository, statement,
};
use http::Method;
use serde_json::{Value, json};

/// A host that runs one of the examples.
fn example(name: &str) -> Result<Builder> {
    let folder = repository("examples").join(name);
    Node::app(&folder.join("spin.toml"), &folder.join("runtime-config.toml"))
}

#[test]
fn another_app_counts_a_nodes_statements_through_the_store() -> Result<()> {
    let mut node = Node::start()?;
    for _ in 0..3 {
        statement::post(&node.xapi(), &statement::new_id())?;
    }
    node.terminate()?;

    let counter = example("statement-counter")?.in_folder_of(&node).start()?;
    let count = counter.anonymous().get("/")?.expect(200)?.json()?;
    let experienced = "http://adlnet.gov/expapi/verbs/experienced";
    assert_eq!(count, json!({ "statements": 3, "verbs": { (experienced): 3 } }));
    Ok(())
}

fn put_page(client: &Client, name: &str, page: &[u8]) -> Result<Response> {
    client.send(Method::PUT, &format!("/pages/{name}"), Some(("text/html", page)))
}

#[test]
fn a_shelf_of_pages_keeps_them_in_the_content_store() -> Result<()> {
    let mut shelf = example("page-shelf")?.start()?;
    let client = shelf.anonymous();
    let first = put_page(&client, "hedge", b"<h1>Hedge</h1>")?.expect(201)?.json()?;
    let again = put_page(&client, "hedge", b"<h1>Hedge</h1>")?.expect(201)?.json()?;
    assert_eq!(first, again, "the same page is another version");
    put_page(&client, "ditch", b"<h1>Ditch</h1>")?.expect(201)?;
    put_page(&client, "hedge", b"<h1>A hedge</h1>")?.expect(201)?;
    put_page(&client, "no.name", b"")?.expect(404)?;
    client.get("/pages/wall")?.expect(404)?;

    shelf.kill()?;
    shelf.restart()?;
    let page = client.get("/pages/hedge")?.expect(200)?;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.text(), "<h1>A hedge</h1>");
    let pages = client.get("/")?.expect(200)?.json()?;
    assert_eq!(pages, json!({ "pages": ["ditch", "hedge"] }));
    Ok(())
}

#[test]
fn a_desk_gives_out_keys_and_takes_them_back() -> Result<()> {
    let desk = example("key-desk")?.start()?;
    let client = desk.anonymous();
    let made = client.post("/keys", &json!({ "name": "Weather station" }))?.expect(201)?.json()?;
    let [key, secret] = ["key", "secret"].map(|name| made[name].as_str().unwrap_or_default());
    let bearer = |secret: &str| {
        desk.anonymous().with_header("authorization", &format!("Bearer {key}.{secret}"))
    };
    let greeted = bearer(secret).get("/")?.expect(200)?.json()?;
    assert_eq!(greeted, json!({ "hello": "Weather station" }));
    bearer("0123456789abcdef").get("/")?.expect(401)?;
    client.get("/")?.expect(401)?;
    client.post("/keys", &json!({}))?.expect(400)?;

    client.delete(&format!("/keys/{key}"))?.expect(200)?;
    bearer(secret).get("/")?.expect(401)?;
    let listed = client.get("/keys")?.expect(200)?.json()?;
    let one = json!({ "key": key, "name": "Weather station", "revoked": true });
    assert_eq!(listed, json!({ "keys": [one], "more": false }));
    client.delete("/keys/nobody")?.expect(404)?;
    Ok(())
}

/// A node of the app that composes services of ours as they are.
fn card_node(id: &str) -> Result<Builder> {
    let node = example("report-card")?.variable("node_id", id);
    let node = node.variable("bootstrap_admin", Node::ADMIN);
    Ok(node.variable("bootstrap_client", Node::CLIENT).variable("sync_interval", "200ms"))
}

/// The only unit on Ada's report card, once there is one.
fn unit_on_card(node: &Node) -> Result<Option<Value>> {
    let card = node.anonymous().get("/?agent=mbox:mailto:ada@example.org")?.expect(200)?;
    Ok(card.json()?.pointer("/courses/0/units/0").cloned())
}

#[test]
fn nodes_of_another_app_share_courses_and_records() -> Result<()> {
    let hub = card_node("hub")?.variable("bootstrap_nodes", "edge1:a-token").start()?;
    let edge = card_node("edge1")?.variable("upstream_url", &hub.address());
    let edge = edge.variable("upstream_token", "a-token").start()?;

    // A course goes down, what a learner does in it goes up.
    let zip = course::package("https://example.org/hedges", "Hedges")?;
    let zip = Some(("application/zip", zip.as_slice()));
    hub.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?;
    let unit = eventually("the course is at the edge", || unit_on_card(&edge))?;
    assert_eq!(unit["completed"], json!(false));
    let activity = unit["activity"].as_str().context("a unit without activity")?;
    let done = statement::with(json!({
        "verb": { "id": "http://adlnet.gov/expapi/verbs/completed" },
        "object": { "id": activity },
        "result": { "completion": true, "score": { "scaled": 0.75 } },
    }));
    statement::store(&edge.xapi(), &done)?;
    let unit = eventually("the hub has heard", || {
        Ok(unit_on_card(&hub)?.filter(|unit| unit["completed"] == json!(true)))
    })?;
    assert_eq!((&unit["title"], &unit["score"]), (&json!("Unit"), &json!(0.75)));
    hub.anonymous().get("/")?.expect(400)?;
    Ok(())
}
