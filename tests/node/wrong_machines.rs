//! Nodes that replicate on machines whose clocks are wrong, whose disks are full, and whose disks
//! were restored.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::{Link, Machine, Node, course, statement};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tree::{
    completed, conflicts, has, has_state, learner, node, people, put_state, sign_in, soon, under,
};

const TWO_DAYS_S: i64 = 2 * 86_400;

/// A hub and an edge, their machines, and the link between them.
struct Pair {
    hub: Node,
    edge: Node,
    hub_machine: Machine,
    edge_machine: Machine,
    link: Link,
}

impl Pair {
    fn start() -> Result<Self> {
        let hub = node("hub", &["edge"])?;
        let hub_machine = Machine::under(hub.folder())?;
        let hub = hub.environment(hub_machine.environment()?).start()?;
        let link = Link::to(hub.port())?;
        let edge = under(node("edge", &[])?, "edge", &link.address());
        let edge_machine = Machine::under(edge.folder())?;
        let edge = edge.environment(edge_machine.environment()?).start()?;
        Ok(Self { hub, edge, hub_machine, edge_machine, link })
    }

    /// Waits until something holds.
    fn soon(&self, what: &str, holds: impl FnMut() -> Result<bool>) -> Result<()> {
        soon(what, holds)
    }

    /// Waits until both have a state of a learner.
    fn agree(&self, state: &str) -> Result<()> {
        self.soon(&format!("both have {state}"), || {
            Ok(has_state(&self.hub, "ana", state)? && has_state(&self.edge, "ana", state)?)
        })
    }

    /// Makes the edge get what is about the learner.
    fn follow(&self) -> Result<()> {
        self.edge.admin().post("/auth/people", &learner("ana"))?.expect(201)?;
        ensure!(sign_in(&self.edge, "ana")? == "/");
        Ok(())
    }
}

/// A clock that jumps makes no node wait for days, and takes no change away, whoever's it is.
#[test]
fn nodes_whose_clocks_are_days_apart_agree() -> Result<()> {
    let pair = Pair::start()?;
    pair.follow()?;
    let mut number = 0;
    for hub_s in [0, TWO_DAYS_S, -TWO_DAYS_S] {
        for edge_s in [TWO_DAYS_S, 0, -TWO_DAYS_S] {
            pair.hub_machine.set_clock(hub_s)?;
            pair.edge_machine.set_clock(edge_s)?;
            for maker in [&pair.edge, &pair.hub] {
                number += 1;
                let state = format!(r#"{{"page":{number}}}"#);
                put_state(&maker.xapi(), "ana", &state)?;
                pair.agree(&state)?;
            }
        }
    }
    ensure!(conflicts(&pair.hub)?.is_empty(), "{:?}", conflicts(&pair.hub)?);
    let status = pair.hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    ensure!(status["nodes"][0]["is_silent"] == json!(false), "{status}");
    Ok(())
}

#[test]
fn a_wrong_clock_is_shown() -> Result<()> {
    let pair = Pair::start()?;
    pair.edge_machine.set_clock(TWO_DAYS_S)?;
    pair.soon("both say that their clocks differ", || {
        let below = pair.hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        let above = pair.edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        let skewed = [&below["nodes"][0]["is_skewed"], &above["upstream"]["is_skewed"]];
        Ok(skewed == [&json!(true), &json!(true)])
    })
}

#[test]
fn what_is_stored_while_the_clock_goes_back_is_stored_later() -> Result<()> {
    let pair = Pair::start()?;
    let mut stored = Vec::new();
    for clock_s in [0, TWO_DAYS_S, 0, -TWO_DAYS_S] {
        pair.edge_machine.set_clock(clock_s)?;
        let id = statement::new_id();
        statement::post(&pair.edge.xapi(), &id)?;
        stored.push(statement::read(&pair.edge.xapi(), &id)?["stored"].clone());
    }
    let texts: Vec<_> = stored.iter().filter_map(Value::as_str).collect();
    ensure!(texts.len() == 4 && texts.is_sorted() && texts[0] < texts[1], "{texts:?}");
    Ok(())
}

#[test]
fn a_node_on_a_full_disk_serves_refuses_and_goes_on_when_there_is_room() -> Result<()> {
    let mut pair = Pair::start()?;
    let first = statement::new_id();
    statement::post(&pair.edge.xapi(), &first)?;
    pair.edge_machine.fill_disk(true)?;
    let big = statement::with(json!({ "result": { "response": "x".repeat(500_000) } }));
    let (mut kept, mut refused) = (vec![first], 0);
    for _ in 0..20 {
        let id = statement::new_id();
        let mut statement = big.clone();
        statement["id"] = json!(id);
        let answer = pair.edge.xapi().post(statement::PATH, &statement)?;
        match answer.status.as_u16() {
            200 => kept.push(id),
            507 => refused += 1,
            _ => ensure!(false, "{}: {}", answer.status, answer.text()),
        }
    }
    ensure!(refused > 0, "nothing was refused");
    for id in &kept {
        statement::read(&pair.edge.xapi(), id)?;
    }
    // Nobody is sent elsewhere for a disk without room.
    let health = "/.well-known/spin/health";
    pair.edge.anonymous().get(health)?.expect(200)?;
    pair.edge.kill()?;
    pair.edge.restart()?;
    statement::read(&pair.edge.xapi(), &kept[0])?;
    pair.edge.anonymous().get(health)?.expect(200)?;
    pair.edge_machine.fill_disk(false)?;
    statement::post(&pair.edge.xapi(), &statement::new_id())?;
    pair.soon("everything is at the hub", || {
        Ok(statement::count(&pair.hub.xapi())? == kept.len() + 1)
    })
}

/// Copies the databases of a node that does not run.
fn copy(node: &Node) -> Result<TempDir> {
    let copy = TempDir::new()?;
    for file in fs::read_dir(node.folder())? {
        let file = file?;
        if file.file_name().to_string_lossy().contains(".db") {
            fs::copy(file.path(), copy.path().join(file.file_name()))?;
        }
    }
    Ok(copy)
}

/// Puts a copy in place of the databases of a node.
fn set_back(node: &mut Node, copy: &TempDir) -> Result<()> {
    node.kill()?;
    for file in fs::read_dir(node.folder())? {
        let file = file?;
        if file.file_name().to_string_lossy().contains(".db") {
            fs::remove_file(file.path())?;
        }
    }
    for file in fs::read_dir(copy.path())? {
        let file = file?;
        fs::copy(file.path(), node.folder().join(file.file_name()))?;
    }
    node.restart()
}

/// The entry that the hub remembers is gone from the restored journal, as it would be had it been
/// overwritten: that does not make the journal the one that the hub knows.
#[test]
fn a_restored_disk_is_noticed_although_other_entries_took_the_place_of_the_lost_ones() -> Result<()>
{
    let mut pair = Pair::start()?;
    put_state(&pair.edge.xapi(), "ben", "1")?;
    pair.soon("the first arrives", || has_state(&pair.hub, "ben", "1"))?;
    pair.edge.kill()?;
    let copied = copy(&pair.edge)?;
    pair.edge.restart()?;
    let lost = completed("ana", "https://example.org/x");
    statement::store(&pair.edge.xapi(), &lost)?;
    put_state(&pair.edge.xapi(), "ben", "2")?;
    pair.soon("the second arrives", || has_state(&pair.hub, "ben", "2"))?;

    pair.link.cut();
    set_back(&mut pair.edge, &copied)?;
    let new = completed("ana", "https://example.org/y");
    statement::store(&pair.edge.xapi(), &new)?;
    put_state(&pair.edge.xapi(), "ben", "3")?;
    put_state(&pair.edge.xapi(), "ben", "4")?;
    pair.link.restore();
    pair.soon("what came after is at the hub", || {
        Ok(has(&pair.hub, &new)? && has(&pair.hub, &lost)? && has_state(&pair.hub, "ben", "4")?)
    })?;
    // Whoever wrote that did not know of it.
    let lost: Vec<_> =
        conflicts(&pair.hub)?.iter().map(|it| it["lost"]["content"].clone()).collect();
    ensure!(lost.contains(&json!("Mg==")), "2 is not listed: {lost:?}");
    Ok(())
}

#[test]
fn a_conflict_outlives_the_disk_of_the_node_that_noticed_it_and_is_settled_everywhere() -> Result<()>
{
    let mut pair = Pair::start()?;
    pair.follow()?;
    put_state(&pair.hub.xapi(), "ana", "1")?;
    pair.agree("1")?;
    pair.edge.kill()?;
    let copied = copy(&pair.edge)?;
    pair.edge.restart()?;
    pair.link.cut();
    put_state(&pair.hub.xapi(), "ana", "2")?;
    put_state(&pair.edge.xapi(), "ana", "3")?;
    pair.link.restore();
    let listed = |node: &Node| Ok(conflicts(node)?.len() == 1);
    pair.soon("both list the conflict", || Ok(listed(&pair.hub)? && listed(&pair.edge)?))?;
    set_back(&mut pair.edge, &copied)?;
    pair.soon("the edge lists it again", || listed(&pair.edge))?;
    let id = conflicts(&pair.hub)?[0]["id"].as_str().unwrap_or_default().to_owned();
    let settle = format!("/sync/v1/conflicts/{id}?restore=false");
    pair.hub.admin().post(&settle, &json!({}))?.expect(204)?;
    pair.soon("it is settled at the edge too", || Ok(conflicts(&pair.edge)?.is_empty()))
}

/// Who signed in at the edge after the hub's disk was copied is no stranger to the edge.
#[test]
fn a_restored_hub_learns_again_who_is_followed() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.edge.admin().post("/auth/people", &learner("ana"))?.expect(201)?;
    pair.soon("the hub knows her", || Ok(people(&pair.hub)?.contains_key("ana")))?;
    pair.hub.kill()?;
    let copied = copy(&pair.hub)?;
    pair.hub.restart()?;
    ensure!(sign_in(&pair.edge, "ana")? == "/");
    put_state(&pair.hub.xapi(), "ana", "1")?;
    pair.agree("1")?;
    set_back(&mut pair.hub, &copied)?;
    put_state(&pair.hub.xapi(), "ana", "2")?;
    pair.agree("2")
}

/// What only the hub may tell of is what the hub has.
#[test]
fn courses_and_people_of_all_nodes_are_as_a_restored_hub_has_them() -> Result<()> {
    let mut pair = Pair::start()?;
    let publish = |pair: &Pair, title: &str| -> Result<()> {
        let package = course::package("https://example.org/c", title)?;
        let zip = Some(("application/zip", package.as_slice()));
        pair.hub.admin().send(Method::POST, "/content/v1/courses", zip)?.expect(201)?;
        Ok(())
    };
    let rename = |pair: &Pair, name: &str| -> Result<()> {
        let change = json!({ "display_name": name }).to_string();
        let change = Some(("application/json", change.as_bytes()));
        pair.hub.admin().send(Method::PATCH, "/auth/people/bob", change)?.expect(200)?;
        Ok(())
    };
    let agree = |pair: &Pair, title: &str, name: &str| {
        pair.soon("the edge has what the hub has", || {
            let path = "/content/v1/courses/https%3A%2F%2Fexample%2Eorg%2Fc";
            let course = pair.edge.admin().get(path)?;
            Ok(course.text().contains(title)
                && people(&pair.edge)?.get("bob").is_some_and(|bob| bob["display_name"] == name))
        })
    };
    pair.hub.admin().post("/auth/people", &learner("bob"))?.expect(201)?;
    publish(&pair, "First")?;
    agree(&pair, "First", "bob")?;
    pair.hub.kill()?;
    let copied = copy(&pair.hub)?;
    pair.hub.restart()?;
    publish(&pair, "Second")?;
    rename(&pair, "Robert")?;
    agree(&pair, "Second", "Robert")?;
    set_back(&mut pair.hub, &copied)?;
    agree(&pair, "First", "bob")?;
    // As well with a clock that went back.
    pair.hub_machine.set_clock(-TWO_DAYS_S)?;
    publish(&pair, "Third")?;
    rename(&pair, "Bobby")?;
    agree(&pair, "Third", "Bobby")
}
