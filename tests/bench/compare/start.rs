//! From the start of the process to the first answer, and the memory it then has.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use hedgeschool_tests::Node;
use tempfile::TempDir;

use super::ratio::Figure;
use super::turns::in_turns;
use super::{Build, Comparison, show};
use crate::report::Times;
use crate::start::{SIGN_IN, again};

/// What the learning record store says about itself.
const ABOUT: &str = "/xapi/about";
/// How long a node rests before its idle memory is taken.
const REST: Duration = Duration::from_secs(1);
/// Most rounds of starts that compile everything: each takes many seconds, and they differ little.
const COLD_ROUNDS_MAX: u32 = 3;

/// What is taken of a node in a round.
struct Taken {
    /// Seconds from a start to the sign-in page.
    sign_in: f64,
    /// Seconds from a start to the first answer of the learning record store.
    about: f64,
    /// Bytes.
    memory: f64,
}

/// Compares starts.
pub fn compare(comparison: &Comparison) -> Result<()> {
    let starts = comparison.starts.div_ceil(comparison.rounds);
    let mut nodes = comparison.each(|build| build.node()?.start())?;
    let [today, then] = in_turns(comparison.rounds, &mut nodes, |node| take(node, starts))?;
    let taken: [&[Taken]; 2] = [&today, &then];
    show("process start to the sign-in page", Figure::Time, taken, |taken| taken.sign_in);
    show("process start to /xapi/about", Figure::Time, taken, |taken| taken.about);
    show("memory, idle", Figure::Memory, taken, |taken| taken.memory);
    drop(nodes);
    let rounds = comparison.rounds.min(COLD_ROUNDS_MAX);
    let mut builds = comparison.builds.each_ref();
    let [today, then] = in_turns(rounds, &mut builds, |build| first_start(build))?;
    show("first start, nothing compiled yet", Figure::Time, [&today, &then], |seconds| *seconds);
    Ok(())
}

fn take(node: &mut Node, starts: u32) -> Result<Taken> {
    let sign_in = median_start(node, SIGN_IN, starts)?;
    let about = median_start(node, ABOUT, starts)?;
    thread::sleep(REST);
    Ok(Taken { sign_in, about, memory: node.memory()? as f64 })
}

/// Seconds to the first answer, the median of so many starts.
fn median_start(node: &mut Node, page: &str, starts: u32) -> Result<f64> {
    let times = (0..starts).map(|_| again(node, page)).collect::<Result<Vec<_>>>()?;
    Ok(Times::new(times).percentile(0.5).as_secs_f64())
}

/// Seconds to the sign-in page of a new node that finds no compiled components.
fn first_start(build: &Build) -> Result<f64> {
    let cache = TempDir::new_in(build.0.join("target"))?;
    let folder = ("HEDGE_CACHE_DIR".to_owned(), cache.path().display().to_string());
    let node = build.node()?.environment(vec![folder]);
    let start = Instant::now();
    // Longer than a first answer may take.
    let mut node = node.start()?;
    node.first_answer(SIGN_IN)?;
    Ok(start.elapsed().as_secs_f64())
}
