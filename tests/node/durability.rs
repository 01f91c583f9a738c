//! Acknowledged means durable: nodes are killed at any moment.

use std::collections::HashSet;
use std::env;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, statement};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How often the node is killed.
const KILLS: usize = 25;

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
        acknowledged.extend(statement::write_until_killed(&mut node, moment.writes, moment.pause)?);
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
