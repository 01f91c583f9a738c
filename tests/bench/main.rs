//! Measures a node: `cargo xtask bench`.
//!
//! The load generator runs on the same machine as the node and takes its share of the cores:
//! figures compare with others taken the same way, on the same machine, and with nothing else.

mod compare;
mod containers;
mod course;
mod distance;
mod file;
mod fill;
mod fleet;
mod load;
mod machine;
mod meter;
mod nginx;
mod options;
mod pods;
mod read;
mod record;
mod report;
mod scrape;
mod start;
mod storm;
mod sync;
mod target;
mod traffic;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use hedgeschool_tests::{Node, slow_disk};

use meter::Meter;
use options::{Group, Options};
use target::Target;

/// Measures a node and prints tables in Markdown.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    /// Compare with the build in this folder, an other tree of this repository: both are measured
    /// in turns
    #[arg(long, value_name = "FOLDER")]
    against: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Runs of each measurement, unless told otherwise.
const RUNS: u32 = 3;
/// Statements in a backlog, unless told otherwise.
const BACKLOG: u64 = 117_000;

fn main() -> Result<()> {
    let Arguments { against, options } = Arguments::parse();
    let groups = options.groups(against.is_some())?;
    println!("{}\n", machine::describe()?);
    let run = run(&options);
    if let Some(other) = against {
        return compare::measure(&groups, &options, run, &other);
    }
    let meter = Meter::new(run, options.runs.unwrap_or(RUNS))?;
    println!("{}\n", meter.describe());
    for group in groups {
        measure(group, &options, &meter)?;
        println!();
    }
    Ok(())
}

fn run(options: &Options) -> Duration {
    Duration::from_secs(options.seconds)
}

fn measure(group: Group, options: &Options, meter: &Meter) -> Result<()> {
    let builder = Node::builder()?.on_disk()?.quiet();
    match group {
        Group::Start => {
            println!("{}", start::measure(options.starts)?);
            Ok(())
        }
        Group::File => file::measure(&builder.start()?, meter),
        Group::Record => {
            let node = builder.start()?;
            meter.table("Statements posted, durable when answered");
            record::measure(&Target::of(&node), meter)
        }
        Group::SlowDisk => {
            let delay = Duration::from_micros(options.sync_delay_us);
            let node = builder.environment(slow_disk(delay)?).start()?;
            meter.table(&format!("The same with {delay:?} added to every fsync"));
            record::measure(&Target::of(&node), meter)
        }
        Group::Sync => sync::measure(options.backlog.unwrap_or(BACKLOG)),
        Group::Fleet => fleet::measure(meter),
        Group::Course => course::measure(options.course_bytes),
        Group::Storm => storm::measure(),
        Group::Scrape => scrape::measure(),
        Group::Containers => containers::measure(options.starts),
        Group::Pods => pods::measure(run(options), options.runs.unwrap_or(RUNS), &options.rate),
        Group::Read => {
            let node = builder.start()?;
            fill::fill(&node, options.stored)?;
            meter.table(&format!("With {} statements stored", options.stored));
            read::measure(&node, options.stored, meter)
        }
    }
}
