//! Replication between two nodes of the same build.

use anyhow::Result;

use super::ratio::Figure;
use super::turns::in_turns;
use super::{Build, Comparison, show};
use crate::report::Times;
use crate::sync::Pair;

/// Rounds of replication of which the median is taken, in each round of measurements.
const QUIET_ROUNDS: usize = 100;
/// Rounds before the first of those: what two nodes have to tell when they meet.
const FIRST_ROUNDS: usize = 10;

/// Compares rounds without news, and first syncs of new nodes.
pub fn compare(comparison: &Comparison) -> Result<()> {
    let mut pairs = comparison.each(|build| {
        let pair = Pair::start(|| build.node())?;
        pair.quiet_rounds(FIRST_ROUNDS)?;
        Ok(pair)
    })?;
    let [today, then] = in_turns(comparison.rounds, &mut pairs, |pair| {
        let times = Times::new(pair.quiet_rounds(QUIET_ROUNDS)?);
        Ok(times.percentile(0.5).as_secs_f64())
    })?;
    let what = "a round of replication without news";
    show(what, Figure::Time, [&today, &then], |seconds| *seconds);
    drop(pairs);
    let mut builds = comparison.builds.each_ref();
    let [today, then] =
        in_turns(comparison.rounds, &mut builds, |build| first_sync(build, comparison.backlog))?;
    let what = format!("first sync of {} statements", comparison.backlog);
    show(&what, Figure::Rate, [&today, &then], |rate| *rate);
    Ok(())
}

/// Statements a second.
fn first_sync(build: &Build, backlog: u64) -> Result<f64> {
    let pair = Pair::start(|| build.node())?;
    pair.fill(backlog)?;
    Ok(backlog as f64 / pair.drain(backlog)?.as_secs_f64())
}
