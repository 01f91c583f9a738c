//! A hub and an edge in the middle of a school day: people, a course, a conflict, and a link that
//! has gone with a part of the record behind it.

use anyhow::{Result, ensure};
use hedgeschool_tests::{Builder, Message, Node, Relay, course, statement};
use http::Method;
use serde_json::{Value, json};

use crate::tree::{
    completed, conflicts, has_state, learner, people, put_state, sign_in, soon, under,
};

/// Where the edge of the fixture finds the hub: nodes remember the address, so it stays the same.
pub const HUB_AT: &str = "127.18.67.5:18675";
/// How many statements the edge has at the end of [`live`].
pub const STATEMENTS: usize = 90;
/// How many of them the hub has.
const SENT: usize = 50;
/// The course.
const COURSE: &str = "https://example.org/hedges";
/// Where a node lists it.
const COURSE_PATH: &str = "/content/v1/courses/https%3A%2F%2Fexample%2Eorg%2Fhedges";

/// The hub, in a fresh folder.
pub fn hub() -> Result<Builder> {
    Ok(hub_of(Node::builder()?))
}

/// The edge, in a fresh folder.
pub fn edge(hub_at: &str) -> Result<Builder> {
    Ok(edge_of(Node::builder()?, hub_at))
}

/// A hub of some build.
pub fn hub_of(build: Builder) -> Builder {
    let hub = build.variable("node_id", "hub").variable("sync_interval", "100ms");
    hub.variable("bootstrap_nodes", "leitrim:token-of-leitrim")
}

/// An edge of some build, which finds the hub at an address.
pub fn edge_of(build: Builder, hub_at: &str) -> Builder {
    let edge = build.variable("node_id", "leitrim").variable("sync_interval", "100ms");
    under(edge, "leitrim", &format!("http://{hub_at}"))
}

/// Everything that happens. Afterwards the link is cut, and what it carried is answered.
pub fn live(hub: &Node, edge: &Node, hub_at: &str) -> Result<Vec<hedgeschool_tests::Exchange>> {
    let unchanged = |_: Message, _: &mut Value| {};
    let link = Relay::start(hub_at, &hub.address(), unchanged)?;
    hub.admin().post("/auth/people", &learner("ada"))?.expect(201)?;
    edge.admin().post("/auth/people", &learner("grace"))?.expect(201)?;
    let package = course::package(COURSE, "Hedges")?;
    let zip = Some(("application/zip", package.as_slice()));
    hub.admin().send(Method::POST, course::COURSES, zip)?.expect(201)?;
    record(edge, SENT)?;
    put_state(&edge.xapi(), "ada", "1")?;
    soon("the course is at the edge", || {
        Ok(edge.admin().get(COURSE_PATH)?.status == 200 && people(edge)?.contains_key("ada"))
    })?;
    // From then on the edge hears of what she does elsewhere.
    sign_in(edge, "ada")?;
    soon("the record is at the hub", || {
        Ok(statement::count(&hub.xapi())? == SENT
            && has_state(hub, "ada", "1")?
            && people(hub)?.contains_key("grace"))
    })?;
    let mut carried = link.exchanges();
    drop(link);
    put_state(&edge.xapi(), "ada", "\"at the edge\"")?;
    put_state(&hub.xapi(), "ada", "\"at the hub\"")?;
    let link = Relay::start(hub_at, &hub.address(), unchanged)?;
    soon("a conflict is noticed", || Ok(conflicts(hub)?.len() == 1))?;
    carried.extend(link.exchanges());
    drop(link);
    record(edge, STATEMENTS - SENT)?;
    edge.admin().post("/auth/people", &learner("late"))?.expect(201)?;
    hub.admin().post("/auth/people", &learner("meanwhile"))?.expect(201)?;
    ensure!(statement::count(&hub.xapi())? == SENT, "the link is not cut");
    Ok(carried)
}

/// Records so many statements, a few in a request.
fn record(edge: &Node, count: usize) -> Result<()> {
    let activity = |index| format!("{COURSE}/unit-{}", index % 3);
    let statements: Vec<_> = (0..count).map(|index| completed("ada", &activity(index))).collect();
    for some in statements.chunks(20) {
        statement::store(&edge.xapi(), &json!(some))?;
    }
    Ok(())
}

/// Waits until both have all that either has. The link is up again.
pub fn agree(hub: &Node, edge: &Node) -> Result<()> {
    soon("all statements are at both", || {
        Ok(statement::count(&hub.xapi())? == STATEMENTS
            && statement::count(&edge.xapi())? == STATEMENTS)
    })?;
    soon("all people are known", || {
        let (above, below) = (people(hub)?, people(edge)?);
        let all = |names: &[&str], known: &dyn Fn(&str) -> bool| names.iter().all(|it| known(it));
        let names = ["ada", "grace", "late", "meanwhile"];
        Ok(all(&names, &|name| above.contains_key(name))
            && all(&names, &|name| below.contains_key(name)))
    })?;
    ensure!(conflicts(hub)?.len() == 1, "the conflict is still there");
    for node in [hub, edge] {
        node.admin().get(COURSE_PATH)?.expect(200)?;
    }
    soon("both have the later state", || {
        let later = "\"at the hub\"";
        Ok(has_state(hub, "ada", later)? && has_state(edge, "ada", later)?)
    })
}
