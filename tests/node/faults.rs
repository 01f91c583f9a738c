//! Replication while everything fails, in random schedules: links are cut, also in the middle of
//! requests and answers, slow, late and out of order, and deliver requests twice; nodes are
//! killed, set back to older copies of their disks, out of room, and their clocks jump by days.
//!
//! `HEDGE_TEST_SCHEDULES` says how many schedules to run, and any others each time: the long run
//! looks for what nobody thought of. Without it the same ten are run: they tell what a change has
//! broken. `HEDGE_TEST_SEED` says which, `HEDGE_TEST_SCHEDULE` repeats one.

mod check;
mod documents;
mod learn;
mod side;
mod state;
mod watch;
mod world;

use std::env;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{in_parallel, storm};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use world::World;

/// Schedules that run at a time.
const AT_A_TIME: usize = 2;
/// Schedules of an ordinary run, and what they are made of.
const SCHEDULES: usize = 10;
const SEED: u64 = 4;

#[test]
fn whatever_fails_all_nodes_agree_in_the_end() -> Result<()> {
    if let Ok(seed) = env::var("HEDGE_TEST_SCHEDULE") {
        return run(seed.parse().context("HEDGE_TEST_SCHEDULE is a whole number")?);
    }
    let schedules = match env::var("HEDGE_TEST_SCHEDULES") {
        Ok(count) => Some(count.parse().context("HEDGE_TEST_SCHEDULES is a whole number")?),
        Err(_) => None,
    };
    let is_ordinary = schedules.is_none() && env::var_os("HEDGE_TEST_SEED").is_none();
    let mut seeds = if is_ordinary { StdRng::seed_from_u64(SEED) } else { storm::seeded()? };
    let schedules = schedules.unwrap_or(SCHEDULES);
    let seeds: Vec<u64> = (0..schedules).map(|_| seeds.random()).collect();
    let mut failures = Vec::new();
    for some in seeds.chunks(AT_A_TIME) {
        // What has failed once does not keep the others from being tried.
        let outcomes = in_parallel(some.len(), &|index: usize| Ok(run(some[index]).err()))?;
        failures.extend(outcomes.into_iter().flatten());
    }
    let told = failures.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>().join("\n\n");
    ensure!(failures.is_empty(), "{} of {schedules} schedules failed:\n{told}", failures.len());
    Ok(())
}

fn run(seed: u64) -> Result<()> {
    let started = Instant::now();
    let outcome = World::new(seed).and_then(World::run);
    let took = started.elapsed().as_secs_f64();
    match &outcome {
        Ok(()) => println!("schedule {seed}: {took:.1} s, ok"),
        Err(error) => println!("schedule {seed}: {took:.1} s, failed: {error:#}"),
    }
    outcome.with_context(|| format!("schedule {seed}: HEDGE_TEST_SCHEDULE={seed} repeats it"))
}
