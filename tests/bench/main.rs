//! Measures a node: `cargo xtask bench`.
//!
//! The load generator runs on the same machine as the node and takes its share of the cores: figures
//! compare with others taken the same way, on the same machine, and with nothing else.

mod load;
mod machine;
mod report;
mod routes;
mod start;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

/// Measures a node and prints a table in Markdown.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Arguments {
    /// Seconds for each measurement
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// How often to start a node cold
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    starts: u32,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    println!("{}\n", machine::describe());
    println!("{}", start::measure(arguments.starts)?);
    let duration = Duration::from_secs(arguments.seconds);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(routes::measure(duration))
}
