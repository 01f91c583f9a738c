//! Two builds, measured in turns: `cargo xtask bench --against REVISION`.
//!
//! A machine an hour later differs from itself by more than most changes to the code make. So both
//! builds are measured within seconds of each other, again and again, each the first every other
//! time; what counts is the ratio within such a round, and how far the rounds' ratios lie apart.
//! Nodes stay up between rounds, unless starting is what is measured.

mod file;
mod ratio;
mod record;
mod start;
mod sync;
mod turns;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Builder, Node, is_own_host, repository};

use crate::machine;
use crate::meter::Meter;
use crate::options::{Group, Options};
use crate::report::row;
use ratio::{Figure, Ratios, middle};

/// Rounds, unless told otherwise.
const ROUNDS: u32 = 7;
/// Statements in a backlog, unless told otherwise.
const BACKLOG: u64 = 20_000;

/// A tree of this repository that has been built.
struct Build(PathBuf);

impl Build {
    fn today() -> Result<Self> {
        let root = repository("").canonicalize()?;
        // Another host may stand in for today's.
        if is_own_host() { Self::at(&root) } else { Ok(Self(root)) }
    }

    fn at(root: &Path) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("no folder {}", root.display()))?;
        let host = root.join("target/host/hedge");
        ensure!(
            host.is_file(),
            "{} is not there: `cargo xtask bench --against REVISION` builds what it compares",
            host.display()
        );
        Ok(Self(root))
    }

    /// A node of this build.
    fn node(&self) -> Result<Builder> {
        Ok(Node::builder_of(&self.0)?.on_disk()?.quiet())
    }
}

/// What is compared, and how.
struct Comparison {
    /// Today's, and the other.
    builds: [Build; 2],
    meter: Meter,
    rounds: u32,
    /// Starts of each build, over all rounds.
    starts: u32,
    /// Statements of a first sync.
    backlog: u64,
}

/// Compares today's build with the one in another folder and prints a table.
pub fn measure(groups: &[Group], options: &Options, run: Duration, other: &Path) -> Result<()> {
    let rounds = options.runs.unwrap_or(ROUNDS);
    let comparison = Comparison {
        builds: [Build::today()?, Build::at(other)?],
        meter: Meter::new(run, rounds)?,
        rounds,
        starts: options.starts,
        backlog: options.backlog.unwrap_or(BACKLOG),
    };
    println!("{}", comparison.head(run));
    groups.iter().try_for_each(|group| comparison.group(*group))
}

impl Comparison {
    fn head(&self, run: Duration) -> String {
        let [today, then] = &self.builds;
        let [today, then] = [today, then].map(|Build(root)| machine::commit(root));
        let columns = ["what", "today", "then", "ratio", "lowest–highest"].map(str::to_owned);
        format!(
            "### Today ({today}) against then ({then})\n\nUp to {} rounds, in each of which both \
             are measured, one first and the next time the other; rates over {run:?}. *today*, \
             *then*: medians. *ratio*: the median of the rounds' ratios, above 1 where today's \
             build is better.\n\n{}\n|---|--:|--:|--:|--:|",
            self.rounds,
            row(&columns)
        )
    }

    fn group(&self, group: Group) -> Result<()> {
        match group {
            Group::Start => start::compare(self),
            Group::Record => record::compare(self),
            Group::File => file::compare(self),
            Group::Sync => sync::compare(self),
            // Which `Options::groups` has refused.
            Group::SlowDisk
            | Group::Fleet
            | Group::Course
            | Group::Storm
            | Group::Scrape
            | Group::Containers
            | Group::Pods
            | Group::Read => Ok(()),
        }
    }

    /// The same of each build.
    fn each<S>(&self, make: impl Fn(&Build) -> Result<S>) -> Result<[S; 2]> {
        let [today, then] = &self.builds;
        Ok([make(today).context("today's build")?, make(then).context("the other build")?])
    }
}

/// Prints a row, of what was taken of each side round by round.
fn show<T>(what: &str, figure: Figure, taken: [&[T]; 2], value: impl Fn(&T) -> f64) {
    let [today, then] = taken.map(|taken| taken.iter().map(&value).collect::<Vec<_>>());
    let ratios = Ratios::of(figure, &today, &then);
    let cells = [
        what.to_owned(),
        figure.shown(middle(today)),
        figure.shown(middle(then)),
        format!("{:.2}", ratios.median),
        format!("{:.2}–{:.2}", ratios.lowest, ratios.highest),
    ];
    println!("{}", row(&cells));
}
