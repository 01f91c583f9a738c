//! Acknowledged means durable: nodes are killed at any moment.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Client, Node, eventually, statement};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How often the node is killed.
const KILLS: usize = 25;
/// How many clients write at a time.
const WRITERS: usize = 4;

#[test]
fn a_node_killed_at_any_moment_loses_nothing_acknowledged() -> Result<()> {
    let seed = seed()?;
    println!("seed {seed}: HEDGE_TEST_SEED={seed} repeats the moments");
    let mut random = StdRng::seed_from_u64(seed);
    let mut node = Node::start()?;
    let mut acknowledged = HashSet::new();
    for kill in 1..=KILLS {
        let before = acknowledged.len();
        let moment = Moment::random(&mut random);
        acknowledged.extend(write_until_killed(&mut node, &moment)?);
        node.restart().with_context(|| format!("after kill {kill}, {moment:?}"))?;
        ensure!(acknowledged.len() >= before + moment.writes, "too few writes before kill {kill}");
        check(&node, &acknowledged).with_context(|| format!("after kill {kill}, {moment:?}"))?;
    }
    println!("{} acknowledged statements survived {KILLS} kills", acknowledged.len());
    Ok(())
}

/// When to kill.
#[derive(Debug)]
struct Moment {
    /// After this many acknowledged writes.
    writes: usize,
    /// And then this much later, which may be anywhere inside a write.
    pause: Duration,
}

impl Moment {
    fn random(random: &mut StdRng) -> Self {
        let writes = random.random_range(1..60);
        Self { writes, pause: Duration::from_micros(random.random_range(0..5_000)) }
    }
}

/// Has clients write as fast as they can, kills the node under them, and answers what had been
/// acknowledged.
fn write_until_killed(node: &mut Node, moment: &Moment) -> Result<Vec<String>> {
    let acknowledged = Mutex::new(Vec::new());
    let over = AtomicBool::new(false);
    let client = node.xapi();
    thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| write(&client, &over, &acknowledged));
        }
        let reached = eventually("enough writes", || {
            let count = acknowledged.lock().map(|ids| ids.len()).unwrap_or_default();
            Ok((count >= moment.writes).then_some(()))
        });
        thread::sleep(moment.pause);
        let killed = node.kill();
        over.store(true, Ordering::SeqCst);
        reached.and(killed)
    })?;
    acknowledged.into_inner().context("a writer panicked")
}

/// Posts statements of its own until told to stop, and keeps the ids of those acknowledged.
fn write(client: &Client, over: &AtomicBool, acknowledged: &Mutex<Vec<String>>) {
    while !over.load(Ordering::SeqCst) {
        let id = statement::new_id();
        if statement::post(client, &id).is_ok()
            && let Ok(mut ids) = acknowledged.lock()
        {
            ids.push(id);
        }
    }
}

/// Everything acknowledged is there, once. More may be: writes whose answer the kill swallowed.
fn check(node: &Node, acknowledged: &HashSet<String>) -> Result<()> {
    let ids = statement::all_ids(&node.xapi())?;
    let there: HashSet<_> = ids.iter().cloned().collect();
    ensure!(there.len() == ids.len(), "a statement is there twice");
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    ensure!(lost.is_empty(), "{} acknowledged statements are lost: {lost:?}", lost.len());
    Ok(())
}

fn seed() -> Result<u64> {
    match env::var("HEDGE_TEST_SEED") {
        Ok(seed) => seed.parse().context("HEDGE_TEST_SEED is a whole number"),
        Err(_) => Ok(rand::rng().random()),
    }
}
