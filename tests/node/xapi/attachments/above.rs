//! Data that is at another node.

use std::sync::Arc;

use super::*;
use crate::tree::{has, learner, node, sign_in, soon, under};

/// A statement by a learner, with data beside it.
fn handed_in(name: &str, data: &[u8]) -> Value {
    let account = json!({ "homePage": "https://hedgeschool.example/people", "name": name });
    let mut sent = attaching(&[Parts::describe(data)]);
    sent["actor"] = json!({ "objectType": "Agent", "account": account });
    sent
}

#[test]
fn data_comes_down_to_the_node_at_which_somebody_asks_for_it() -> Result<()> {
    let hub = node("hub", &["north", "south"])?.start()?;
    let edge = |name: &str| under(node(name, &[])?, name, &hub.address()).start();
    let (north, south) = (edge("north")?, edge("south")?);
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    for edge in [&north, &south] {
        soon("ada can sign in", || Ok(sign_in(edge, "ada").is_ok()))?;
    }
    let data: Arc<[u8]> = (0..=255).cycle().take(600_000).collect();
    let sent = handed_in("ada", &data);
    Parts::new(&sent).with(&data).post(&north.xapi())?.expect(200)?;
    soon("her statement is there", || has(&south, &sent))?;
    soon("and its data, once it is above", || {
        Ok(read(&south.xapi(), &sent)?.data().iter().any(|found| **found == *data))
    })?;
    // It stays, and needs nobody above any more.
    drop(hub);
    let found = read(&south.xapi(), &sent)?;
    ensure!(found.data().iter().any(|found| **found == *data), "it did not stay");
    // What nobody has does not keep anybody waiting.
    let other = handed_in("ada", b"elsewhere");
    let with_data = Parts::new(&other).with(b"elsewhere");
    with_data.post(&north.xapi())?.expect(200)?;
    ensure!(!has(&south, &other)?);
    Ok(())
}
