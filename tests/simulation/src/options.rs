//! What may be changed on the command line.

use std::path::PathBuf;

use crate::settings::Capacity;
use crate::time::MS;

/// Simulates a fleet, writes plots and prints tables in Markdown.
#[derive(Clone, Debug, clap::Parser)]
#[command(bin_name = "cargo xtask simulate")]
pub struct Options {
    /// Everything is a function of it
    #[arg(long, default_value_t = 4, value_name = "NUMBER")]
    pub seed: u64,
    /// Nodes with learners
    #[arg(
        long,
        default_value_t = 300,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(4..=5_000),
    )]
    pub nodes: u32,
    /// How many of them are cut off for a week
    #[arg(
        long,
        default_value_t = 50,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=5_000),
    )]
    pub away: u32,
    /// Regions between them and the centre, where there are any
    #[arg(
        long,
        default_value_t = 10,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=100),
    )]
    pub regions: u32,
    /// Activities of all learners in a day
    #[arg(
        long,
        default_value_t = 5_000_000,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u64).range(1_000..=50_000_000),
    )]
    pub activities: u64,
    /// Days before the outage
    #[arg(
        long,
        default_value_t = 7,
        value_name = "DAYS",
        value_parser = clap::value_parser!(u64).range(0..=30),
    )]
    pub normal_days: u64,
    /// Entries a second that a hub of two cores applies
    #[arg(long, default_value_t = 23_000.0, value_name = "NUMBER")]
    pub entries_per_second: f64,
    /// For how long a pull without news keeps it busy, in milliseconds: half of the processor
    /// time, with two cores
    #[arg(long, default_value_t = 0.8, value_name = "MS")]
    pub pull_ms: f64,
    /// For how long a batch does beside its entries, in milliseconds
    #[arg(long, default_value_t = 0.3, value_name = "MS")]
    pub batch_ms: f64,
    /// How much faster a hub of four cores answers pulls
    #[arg(long, default_value_t = 2.0, value_name = "FACTOR")]
    pub four_cores: f64,
    /// How much faster it applies entries: the writer is one thread
    #[arg(long, default_value_t = 1.24, value_name = "FACTOR")]
    pub four_cores_writing: f64,
    /// Where the plots go; none are written without it
    #[arg(long, value_name = "FOLDER")]
    pub plots: Option<PathBuf>,
}

impl Options {
    /// The hub on which things have been measured.
    pub fn two_cores(&self) -> Capacity {
        let time = |ms: f64| (ms * MS as f64) as u64;
        Capacity {
            entries_per_second: self.entries_per_second,
            pull: time(self.pull_ms),
            batch: time(self.batch_ms),
            ..Capacity::default()
        }
    }

    /// A larger one, by assumption.
    pub fn four_cores(&self) -> Capacity {
        let smaller = self.two_cores();
        let faster = |time: u64| (time as f64 / self.four_cores) as u64;
        Capacity {
            entries_per_second: smaller.entries_per_second * self.four_cores_writing,
            pull: faster(smaller.pull),
            batch: faster(smaller.batch),
            check: faster(smaller.check),
            ..smaller
        }
    }
}
