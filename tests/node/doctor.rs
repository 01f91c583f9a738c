//! `hedge doctor`: finds each fault that is planted, and it alone; and nothing at a healthy node.
//!
//! Faults are real: a page is overwritten, a disk is full, a clock is wrong.

mod files;
mod link;
mod machine;
mod settings;

use anyhow::{Result, ensure};
use hedgeschool_tests::doctor::snapshot;
use hedgeschool_tests::{Builder, Node, is_own_host, statement};

use crate::tree::{learner, node, soon, under};

/// A node with something in each of its databases.
fn start(builder: Builder) -> Result<Node> {
    let node = builder.on_disk()?.start()?;
    fill(&node)?;
    Ok(node)
}

fn fill(node: &Node) -> Result<()> {
    // People are known at all nodes.
    let name = format!("ada-{}", node.port());
    node.admin().post("/auth/people", &learner(&name))?.expect(201)?;
    node.admin().get("/content/v1/courses")?.expect(200)?;
    for _ in 0..20 {
        statement::post(&node.xapi(), &statement::new_id())?;
    }
    Ok(())
}

/// The same, which has ended.
fn stopped(builder: Builder) -> Result<Node> {
    let mut node = start(builder)?;
    node.terminate()?;
    Ok(node)
}

#[test]
fn nothing_is_found_at_a_healthy_node_running_or_stopped() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let mut node = start(Node::builder()?)?;
    let seen = node.doctor().expect_nothing()?;
    ensure!(seen.report["is_running"] == true, "{seen:#?}");
    for check in [
        "manifest",
        "components",
        "runtime-config",
        "variables",
        "permissions",
        "filesystem",
        "disk",
        "databases",
        "schema",
        "journal-mode",
        "wal",
        "process",
        "alone",
        "open-files",
        "memory",
        "clock",
        "storage",
        "conflicts",
        "courses",
    ] {
        ensure!(seen.is_in_order(check), "{check} was not looked at: {seen:#?}");
    }
    // What is there after a kill has to be read with the log, and is left as it is.
    node.kill()?;
    let before = snapshot(node.folder())?;
    ensure!(before.iter().any(|(name, bytes, _)| name.ends_with("-wal") && !bytes.is_empty()));
    let seen = node.doctor().argument("--thorough").expect_nothing()?;
    ensure!(seen.report["is_running"] == false && seen.is_in_order("port"), "{seen:#?}");
    ensure!(seen.is_in_order("schema"), "{seen:#?}");
    ensure!(snapshot(node.folder())? == before, "something was changed");
    node.restart()?;
    node.terminate()?;
    let before = snapshot(node.folder())?;
    node.doctor().expect_nothing()?;
    ensure!(snapshot(node.folder())? == before, "something was changed");
    Ok(())
}

#[test]
fn nothing_is_found_at_a_hub_and_its_edge() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let hub = start(node("hub", &["edge"])?)?;
    let mut edge = start(under(node("edge", &[])?, "edge", &hub.address()))?;
    soon("the edge has sent all", || {
        let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        Ok(status["upstream"]["queue"] == 0 && status["upstream"]["seconds_since_contact"] == 0)
    })?;
    let told = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?["nodes"][0].clone();
    let seen = edge.doctor().expect_nothing()?;
    for check in
        ["upstream-connection", "upstream-answer", "upstream-token", "replication", "backlog"]
    {
        ensure!(seen.is_in_order(check), "{check} was not looked at: {seen:#?}");
    }
    ensure!(hub.doctor().expect_nothing()?.is_in_order("below"));
    edge.terminate()?;
    ensure!(edge.doctor().expect_nothing()?.is_in_order("upstream-token"));
    let log = hub.log();
    ensure!(!log.contains("refused"), "the hub was asked for what it refuses: {log}");
    ensure!(told["node"] == "edge", "{told}");
    Ok(())
}

#[test]
fn where_there_is_nothing_to_look_at_it_says_so() -> Result<()> {
    let nowhere = Node::builder()?.manifest("/no/such/spin.toml".as_ref());
    let seen = nowhere.doctor(hedgeschool_tests::free_port()?).examine()?;
    ensure!(seen.code == 2, "{seen:#?}");
    let unused = Node::builder()?.on_disk()?;
    let seen = unused.doctor(hedgeschool_tests::free_port()?).expect_nothing()?;
    ensure!(!seen.is_in_order("databases"), "{seen:#?}");
    Ok(())
}
