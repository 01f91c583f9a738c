//! A component of ours in an app that is not ours: `examples/statement-counter`.

use anyhow::Result;
use hedgeschool_tests::{Node, repository, statement};
use serde_json::json;

#[test]
fn another_app_counts_a_nodes_statements_through_the_store() -> Result<()> {
    let mut node = Node::start()?;
    for _ in 0..3 {
        statement::post(&node.xapi(), &statement::new_id())?;
    }
    node.terminate()?;

    let example = repository("examples/statement-counter");
    let app = Node::app(&example.join("spin.toml"), &example.join("runtime-config.toml"))?;
    let counter = app.in_folder_of(&node).start()?;
    let count = counter.anonymous().get("/")?.expect(200)?.json()?;
    let experienced = "http://adlnet.gov/expapi/verbs/experienced";
    assert_eq!(count, json!({ "statements": 3, "verbs": { (experienced): 3 } }));
    Ok(())
}
