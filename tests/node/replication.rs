//! Two nodes that agree: an edge and its hub, and a link that fails them.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use hedgeschool_tests::{Builder, Link, Node, eventually, statement, storm};
use serde_json::{Value, json};

fn hub() -> Result<Node> {
    Node::builder()?.variable("node_id", "hub").variable("bootstrap_nodes", "edge1:a-token").start()
}

/// An edge whose upstream is at this address, synchronising every `interval`.
fn edge(upstream: &str, interval: &str) -> Result<Builder> {
    let edge = Node::builder()?.variable("node_id", "edge1").variable("upstream_token", "a-token");
    Ok(edge.variable("upstream_url", upstream).variable("sync_interval", interval))
}

/// Waits until a hub has all of these statements, and each of them once.
pub fn arrive(ids: &HashSet<String>, hub: &Node) -> Result<()> {
    let client = hub.xapi();
    eventually("the statements arrive", || {
        let found = statement::all_ids(&client)?;
        let there: HashSet<_> = found.iter().cloned().collect();
        ensure!(there.len() == found.len(), "a statement is there twice");
        Ok(ids.is_subset(&there).then_some(()))
    })
}

/// One round of replication now.
fn tick(node: &Node) -> Result<Value> {
    node.xapi().post("/sync/v1/tick", &json!({}))?.expect(200)?.json()
}

#[test]
fn what_is_posted_at_the_edge_appears_at_the_hub() -> Result<()> {
    let hub = hub()?;
    let edge = edge(&hub.address(), "200ms")?.start()?;
    let ids: HashSet<_> = (0..20).map(|_| statement::new_id()).collect();
    for id in &ids {
        statement::post(&edge.xapi(), id)?;
    }
    arrive(&ids, &hub)
}

#[test]
fn every_acknowledged_statement_reaches_the_hub_once_whatever_dies() -> Result<()> {
    let mut hub = hub()?;
    let mut edge = edge(&hub.address(), "200ms")?.start()?;
    let mut acknowledged: HashSet<_> = (0..20).map(|_| statement::new_id()).collect();
    for id in &acknowledged {
        statement::post(&edge.xapi(), id)?;
    }
    arrive(&acknowledged, &hub)?;

    hub.terminate()?;
    acknowledged.extend(storm::until_killed(&mut edge, 1_000, Duration::ZERO)?.acknowledged);
    hub.restart()?;
    edge.restart()?;
    arrive(&acknowledged, &hub)?;

    let at_hub: HashSet<_> = statement::all_ids(&hub.xapi())?.into_iter().collect();
    let at_edge: HashSet<_> = statement::all_ids(&edge.xapi())?.into_iter().collect();
    ensure!(at_hub.is_subset(&at_edge), "the hub has statements that the edge never stored");
    Ok(())
}

#[test]
fn a_link_cut_in_the_middle_of_a_body_loses_and_doubles_nothing() -> Result<()> {
    let hub = hub()?;
    let link = Link::to(hub.port())?;
    link.cut();
    let edge = edge(&link.address(), "200ms")?.start()?;
    let ids: Vec<_> = (0..400).map(|_| statement::new_id()).collect();
    let batch: Vec<_> = ids.iter().map(|id| statement::experienced(id)).collect();
    edge.xapi().post("/xapi/statements", &json!(batch))?.expect(200)?;

    for bytes in [500, 3_000, 20_000] {
        let before = link.connections();
        link.restore();
        link.cut_after(bytes);
        eventually("the link is used, and cut", || {
            Ok((link.is_cut() && link.connections() > before).then_some(()))
        })?;
    }
    link.restore();
    arrive(&ids.into_iter().collect(), &hub)
}

#[test]
fn a_node_without_its_link_goes_on() -> Result<()> {
    let hub = hub()?;
    let link = Link::to(hub.port())?;
    link.cut();
    let edge = edge(&link.address(), "100ms")?.start()?;
    let ids: HashSet<_> = (0..50).map(|_| statement::new_id()).collect();
    for id in &ids {
        statement::post(&edge.xapi(), id)?;
    }
    assert_eq!(statement::count(&edge.xapi())?, ids.len());
    assert_eq!(statement::count(&hub.xapi())?, 0);
    link.restore();
    arrive(&ids, &hub)
}

#[test]
fn a_tick_pushes_what_is_new_and_then_nothing() -> Result<()> {
    let hub = hub()?;
    let edge = edge(&hub.address(), "1h")?.variable("sync_enabled", "true").start()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    eventually("everything is pushed", || {
        tick(&edge)?;
        Ok((statement::count(&hub.xapi())? == 1).then_some(()))
    })?;
    assert_eq!(tick(&edge)?["pushed"], json!(0));
    Ok(())
}

#[test]
fn sync_enabled_false_stops_it() -> Result<()> {
    let hub = hub()?;
    let link = Link::to(hub.port())?;
    let edge = edge(&link.address(), "50ms")?.variable("sync_enabled", "false").start()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    let _ = edge.xapi().post("/sync/v1/tick", &json!({}))?;
    assert_eq!(link.connections(), 0);
    assert_eq!(statement::count(&hub.xapi())?, 0);
    Ok(())
}

#[test]
fn a_hub_takes_nothing_from_strangers() -> Result<()> {
    let hub = hub()?;
    let edge = edge(&hub.address(), "1h")?.variable("upstream_token", "another-token").start()?;
    statement::post(&edge.xapi(), &statement::new_id())?;
    let round = tick(&edge)?;
    assert_eq!(round["pushed"], json!(0));
    let problem = round["problem"].as_str().unwrap_or_default();
    ensure!(problem.contains("401"), "the tick answered {round}");
    assert_eq!(statement::count(&hub.xapi())?, 0);
    edge.anonymous().post("/sync/v1/tick", &json!({}))?.expect(401)?;
    Ok(())
}
