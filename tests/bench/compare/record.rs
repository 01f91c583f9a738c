//! Statements that are durable when they are answered.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use hedgeschool_tests::Node;

use super::ratio::Figure;
use super::turns::in_turns;
use super::{Comparison, show};
use crate::record::COHORT;
use crate::target::Target;

/// Connections: as many as it takes for the disk and the processors to be busy at once.
const CONNECTIONS: u32 = 32;
/// The pause before a run, in which the node that was busy before it puts its files in order.
const REST: Duration = Duration::from_millis(500);

/// A node, and what it is asked.
struct Side {
    node: Node,
    posts: Target,
}

/// What is taken of a node in a round.
struct Taken {
    /// Requests a second.
    rate: f64,
    /// Seconds of processor time for each.
    cost: f64,
    /// Bytes of memory right afterwards.
    memory: f64,
}

/// Compares posts, of each kind at nodes of their own.
pub fn compare(comparison: &Comparison) -> Result<()> {
    posts(comparison, "one statement, durable, 32 connections", 1)?;
    posts(comparison, "statements in batches of 100, 32 connections", 100)
}

fn posts(comparison: &Comparison, what: &str, batch: u32) -> Result<()> {
    let mut sides = comparison.each(|build| {
        let node = build.node()?.start()?;
        let posts = Target::of(&node).post(COHORT, batch.into())?;
        comparison.meter.warm_up(CONNECTIONS, &posts)?;
        Ok(Side { node, posts })
    })?;
    let [today, then] = in_turns(comparison.rounds, &mut sides, |side| {
        thread::sleep(REST);
        let busy = || side.node.processor_time();
        let (rate, cost) = comparison.meter.rate_and_cost(CONNECTIONS, &side.posts, busy)?;
        Ok(Taken { rate, cost, memory: side.node.memory()? as f64 })
    })?;
    let taken: [&[Taken]; 2] = [&today, &then];
    show(what, Figure::Rate, taken, |taken| taken.rate * f64::from(batch));
    show("… processor time of a request", Figure::Time, taken, |taken| taken.cost);
    show("… memory afterwards", Figure::Memory, taken, |taken| taken.memory);
    Ok(())
}
