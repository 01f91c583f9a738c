//! Replication while everything fails, in random schedules: the link is cut, slowed and cut in the middle of
//! messages, both nodes are killed, and both are set back to older copies of their disks.
//!
//! `HEDGE_TEST_SCHEDULES` says how many schedules to run (10 unless it does), `HEDGE_TEST_SEED` which, and
//! `HEDGE_TEST_SCHEDULE` repeats one.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, thread};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{
    Link, Node, address, audit, eventually, in_parallel, is_own_host, statement, storm,
};
use http::Method;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

/// Steps of a schedule.
const STEPS: usize = 25;
/// Schedules that run at a time.
const AT_A_TIME: usize = 2;
const DOCUMENTS: u32 = 3;
const STORES: [&str; 3] = ["content", "identity", "progress"];

/// A node, the copy of its disk that somebody keeps, and what it must have.
struct Side {
    node: Node,
    copy: tempfile::TempDir,
    /// Ids of statements that are on its disk.
    held: HashSet<String>,
    /// Those of them that are on the copy.
    copied: HashSet<String>,
}

struct World {
    random: StdRng,
    link: Link,
    edge: Side,
    hub: Side,
}

#[test]
fn whatever_fails_both_nodes_agree_in_the_end() -> Result<()> {
    if let Ok(seed) = env::var("HEDGE_TEST_SCHEDULE") {
        return World::new(seed.parse().context("HEDGE_TEST_SCHEDULE is a whole number")?)?.run();
    }
    let mut seeds = storm::seeded()?;
    let schedules = match env::var("HEDGE_TEST_SCHEDULES") {
        Ok(count) => count.parse().context("HEDGE_TEST_SCHEDULES is a whole number")?,
        Err(_) => 10,
    };
    let seeds: Vec<u64> = (0..schedules).map(|_| seeds.random()).collect();
    for some in seeds.chunks(AT_A_TIME) {
        in_parallel(some.len(), &|index: usize| {
            let seed = some[index];
            World::new(seed)?.run().with_context(|| format!("schedule {seed}"))
        })?;
    }
    Ok(())
}

impl World {
    fn new(seed: u64) -> Result<Self> {
        let builder =
            || Ok::<_, anyhow::Error>(Node::builder()?.variable("sync_interval", "100ms"));
        let hub = builder()?.variable("node_id", "hub").variable("bootstrap_nodes", "edge:token");
        let hub = hub.start()?;
        let link = Link::to(hub.port())?;
        let edge = builder()?.variable("node_id", "edge").variable("upstream_token", "token");
        let edge = edge.variable("upstream_url", &link.address()).start()?;
        Ok(Self {
            random: StdRng::seed_from_u64(seed),
            link,
            edge: Side::new(edge)?,
            hub: Side::new(hub)?,
        })
    }

    fn run(mut self) -> Result<()> {
        for number in 0..STEPS {
            let step = self.random.random_range(0..20_u32);
            self.step(step).with_context(|| format!("step {number}, which is {step}"))?;
        }
        self.link.restore();
        self.link.delay(Duration::ZERO);
        self.settle()
    }

    fn step(&mut self, step: u32) -> Result<()> {
        match step {
            0..6 => self.record(),
            6..9 => self.write(),
            9 => self.link.cut(),
            10 | 11 => self.link.restore(),
            12 => self.link.cut_after(self.random.random_range(0..60_000)),
            13 => self.link.delay(Duration::from_millis(self.random.random_range(0..30))),
            14 => return self.edge.restart(),
            15 => return self.hub.restart(),
            16 => return self.edge.copy_disk(),
            17 => return self.hub.copy_disk(),
            18 => return self.set_back_edge(),
            _ => return self.set_back_hub(),
        }
        self.pause();
        Ok(())
    }

    /// Some time, in which anything may be underway: that is the point.
    fn pause(&mut self) {
        thread::sleep(Duration::from_millis(self.random.random_range(0..120)));
        if !is_own_host() {
            let _ = self.edge.node.xapi().post("/sync/v1/tick", &json!({}));
        }
    }

    /// Statements at either node.
    fn record(&mut self) {
        let count = self.random.random_range(1..60);
        let statements: Vec<_> = (0..count).map(|_| storm::random_statement()).collect();
        let side = if self.random.random_ratio(4, 5) { &mut self.edge } else { &mut self.hub };
        if let Ok(ids) = statement::store(&side.node.xapi(), &json!(statements)) {
            side.held.extend(ids);
        }
    }

    /// A document at either node; what is there already is written over.
    fn write(&mut self) {
        let path = profile(self.random.random_range(0..DOCUMENTS));
        let value = self.random.random::<u64>().to_string();
        let side = if self.random.random() { &self.edge } else { &self.hub };
        let client = side.node.xapi();
        let client = match client.get(&path) {
            Ok(known) if known.status == 200 => {
                client.with_header("if-match", known.header("etag"))
            }
            _ => client.with_header("if-none-match", "*"),
        };
        // Another version may have arrived in between.
        let _ = client.send(Method::PUT, &path, Some(("application/json", value.as_bytes())));
    }

    /// What the edge had and the copy has not is only at the hub now, if it is anywhere.
    fn set_back_edge(&mut self) -> Result<()> {
        if self.edge.copied.is_empty() { Ok(()) } else { self.edge.set_back() }
    }

    fn set_back_hub(&mut self) -> Result<()> {
        if self.hub.copied.is_empty() { Ok(()) } else { self.hub.set_back() }
    }

    fn settle(&mut self) -> Result<()> {
        let (edge, hub) = (&self.edge.node, &self.hub.node);
        let expected: HashSet<_> = self.edge.held.union(&self.hub.held).cloned().collect();
        eventually("the hub has everything, and both have the same documents", || {
            if !is_own_host() {
                let _ = edge.xapi().post("/sync/v1/tick", &json!({}));
            }
            let ids = statement::all_ids(&hub.xapi())?;
            let there: HashSet<_> = ids.iter().cloned().collect();
            ensure!(there.len() == ids.len(), "a statement is there twice");
            let same = documents(edge)? == documents(hub)?;
            Ok((expected.is_subset(&there) && same).then_some(()))
        })
        .with_context(|| {
            self.differences(&expected).unwrap_or_else(|error| format!("{error:#}"))
        })?;
        // What learners have reached is checked against the statements that say so.
        for side in [&mut self.edge, &mut self.hub] {
            side.node.kill()?;
            let there = audit::statements(side.node.folder())?;
            ensure!(side.held.is_subset(&there), "statements are lost");
        }
        Ok(())
    }
}

impl World {
    /// What keeps the nodes from agreeing, for who has to find out why.
    fn differences(&self, expected: &HashSet<String>) -> Result<String> {
        let (edge, hub) = (&self.edge.node, &self.hub.node);
        let there: HashSet<_> = statement::all_ids(&hub.xapi())?.into_iter().collect();
        let status = edge.admin().get("/sync/v1/status")?.text();
        Ok(format!(
            "{} statements are missing; the edge has {:?}, the hub {:?}; the edge says {status}",
            expected.difference(&there).count(),
            documents(edge)?,
            documents(hub)?,
        ))
    }
}

impl Side {
    fn new(node: Node) -> Result<Self> {
        let copy = tempfile::tempdir()?;
        Ok(Self { node, copy, held: HashSet::new(), copied: HashSet::new() })
    }

    fn restart(&mut self) -> Result<()> {
        self.node.kill()?;
        self.node.restart()
    }

    fn copy_disk(&mut self) -> Result<()> {
        self.node.kill()?;
        copy(self.node.folder(), self.copy.path())?;
        self.copied.clone_from(&self.held);
        self.node.restart()
    }

    fn set_back(&mut self) -> Result<()> {
        self.node.kill()?;
        copy(self.copy.path(), self.node.folder())?;
        self.held.clone_from(&self.copied);
        self.node.restart()
    }
}

/// Copies the databases of a node that does not run, over those that are there.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for store in STORES {
        for ending in ["db", "db-wal", "db-shm"] {
            let name = format!("{store}.{ending}");
            let _ = fs::remove_file(to.join(&name));
            if from.join(&name).exists() {
                fs::copy(from.join(&name), to.join(&name))?;
            }
        }
    }
    Ok(())
}

fn profile(document: u32) -> String {
    let id = format!("profile-{document}");
    address(
        "/xapi/activities/profile",
        &[("activityId", "https://example.org/a"), ("profileId", &id)],
    )
}

fn documents(node: &Node) -> Result<Vec<(u16, String)>> {
    let read = |document| {
        let read = node.xapi().get(&profile(document))?;
        Ok((read.status.as_u16(), read.text()))
    };
    (0..DOCUMENTS).map(read).collect()
}
