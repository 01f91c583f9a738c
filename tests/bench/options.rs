//! What to measure, and how much. xtask reads this file too: its help is the benchmarks' help.

use clap::ValueEnum;

/// The options of the benchmarks.
#[derive(clap::Args)]
pub struct Options {
    /// Measure only these
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Group::value_variants().to_vec())]
    pub only: Vec<Group>,
    /// Seconds of each run
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=60))]
    pub seconds: u64,
    /// Runs of each measurement, of which the median counts
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: u32,
    /// How often to start a node cold
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub starts: u32,
    /// Statements in the store that is read from; they are posted first, in batches of 1,000
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(20_000..=50_000_000))]
    pub stored: u64,
    /// Statements that a node has for its upstream when the link is back; the default is a week of one node's
    #[arg(long, default_value_t = 117_000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    pub backlog: u64,
    /// Size of the course that nodes below get, in bytes
    #[arg(long, default_value_t = 1_000_000_000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1_000_000..=1_000_000_000))]
    pub course_bytes: u64,
    /// Microseconds added to every fsync of the slow disk
    #[arg(long, default_value_t = 2_000, value_name = "MICROSECONDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub sync_delay_us: u64,
}

/// What is measured together.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// From the start of the process to the first answer
    Start,
    /// A course file of 16 KB
    File,
    /// Statements posted one by one and in batches, each durable before its answer
    Record,
    /// The same on a disk whose every fsync takes longer (needs Linux with glibc)
    SlowDisk,
    /// A backlog replicated over loopback, rounds without news, and how soon a change is seen above
    Sync,
    /// What a hub does for 300 nodes below it that have nothing to say, or little
    Fleet,
    /// A large course replicated, near and far, and what else waits meanwhile
    Course,
    /// The backlogs of 50 nodes at a time, without and with Redis
    Storm,
    /// Statements by id, by filters and by the next page, and posts, in a store that is full
    Read,
}
