//! Measures a node: `cargo xtask bench`.
//!
//! The load generator runs on the same machine as the node and takes its share of the cores: figures
//! compare with others taken the same way, on the same machine, and with nothing else.

mod course;
mod distance;
mod fill;
mod fleet;
mod load;
mod machine;
mod meter;
mod options;
mod read;
mod record;
mod report;
mod start;
mod storm;
mod sync;
mod target;
mod traffic;

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
    #[command(flatten)]
    options: Options,
}

fn main() -> Result<()> {
    let Arguments { options } = Arguments::parse();
    println!("{}\n", machine::describe()?);
    let meter = Meter::new(Duration::from_secs(options.seconds), options.runs)?;
    println!("{}\n", meter.describe());
    for group in &options.only {
        measure(*group, &options, &meter)?;
        println!();
    }
    Ok(())
}

fn measure(group: Group, options: &Options, meter: &Meter) -> Result<()> {
    let builder = Node::builder()?.on_disk()?.quiet();
    match group {
        Group::Start => {
            println!("{}", start::measure(options.starts)?);
            Ok(())
        }
        Group::File => {
            let node = builder.start()?;
            meter.table("Course files");
            let file = Target::of(&node).import_file(&node)?;
            [1, 16]
                .into_iter()
                .try_for_each(|connections| meter.measure("a 16 KB file", connections, 1, &file))
        }
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
        Group::Sync => sync::measure(options.backlog),
        Group::Fleet => fleet::measure(meter),
        Group::Course => course::measure(options.course_bytes),
        Group::Storm => storm::measure(),
        Group::Read => {
            let node = builder.start()?;
            fill::fill(&node, options.stored)?;
            meter.table(&format!("With {} statements stored", options.stored));
            read::measure(&node, options.stored, meter)
        }
    }
}
