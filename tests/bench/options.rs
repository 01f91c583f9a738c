//! What to measure, and how much. xtask reads this file too: its help is the benchmarks' help.

use anyhow::{Result, bail};
use clap::ValueEnum;

/// The options of the benchmarks.
#[derive(clap::Args)]
pub struct Options {
    /// Measure only these [default: all but pods; with --against start, record, file and
    /// sync]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Group>,
    /// Seconds of each run
    #[arg(
        long,
        default_value_t = 5,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=60)
    )]
    pub seconds: u64,
    /// Runs of each measurement, of which the median counts [default: 3; with --against 7]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=99))]
    pub runs: Option<u32>,
    /// How often to start a node; so often over all runs with --against
    #[arg(
        long,
        default_value_t = 20,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    pub starts: u32,
    /// Statements in the store that is read from; they are posted first, in batches of 1,000
    #[arg(
        long,
        default_value_t = 1_000_000,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u64).range(20_000..=50_000_000)
    )]
    pub stored: u64,
    /// Statements that a node has for its upstream when the link is back [default: 117000, a week
    /// of one node's; with --against 20000]
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u64).range(1_000..=10_000_000)
    )]
    pub backlog: Option<u64>,
    /// Size of the course that nodes below get, in bytes
    #[arg(
        long,
        default_value_t = 1_000_000_000,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u64).range(1_000_000..=1_000_000_000)
    )]
    pub course_bytes: u64,
    /// Requests a second that pods get [default: 667 and 1500]
    #[arg(
        long,
        value_name = "NUMBER",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub rate: Vec<u32>,
    /// Microseconds added to every fsync of the slow disk
    #[arg(
        long,
        default_value_t = 2_000,
        value_name = "MICROSECONDS",
        value_parser = clap::value_parser!(u64).range(1..=1_000_000)
    )]
    pub sync_delay_us: u64,
}

/// What two builds are compared by.
const COMPARED: [Group; 4] = [Group::Start, Group::Record, Group::File, Group::Sync];

impl Options {
    /// What to measure, of one build or two.
    pub fn groups(&self, compares: bool) -> Result<Vec<Group>> {
        match (self.only.as_slice(), compares) {
            ([], true) => Ok(COMPARED.to_vec()),
            // Pods want a machine apart, which the others do not.
            ([], false) => {
                let all = Group::value_variants().iter().copied();
                Ok(all.filter(|group| *group != Group::Pods).collect())
            }
            (only, true) if !only.iter().all(|group| COMPARED.contains(group)) => {
                bail!("--against compares {} only: name some of these", names(&COMPARED))
            }
            (only, _) => Ok(only.to_vec()),
        }
    }
}

/// Groups as one names them, e.g. `start,file`.
pub fn names(groups: &[Group]) -> String {
    let values = groups.iter().filter_map(Group::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(",")
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// From the start of the process to the first answer
    Start,
    /// Course files of 16 KB and of 1 MB, from a node and from nginx
    #[value(alias = "files")]
    File,
    /// Statements posted one by one and in batches, each durable before its answer
    #[value(alias = "posts")]
    Record,
    /// The same on a disk whose every fsync takes longer (needs Linux with glibc)
    SlowDisk,
    /// A backlog replicated over loopback, rounds without news, and how soon a change is seen above
    #[value(alias = "rounds")]
    Sync,
    /// What a hub does for 300 nodes below it that have nothing to say, or little
    Fleet,
    /// A large course replicated, near and far, and what else waits meanwhile
    Course,
    /// The backlogs of 50 nodes at a time, without and with Redis
    Storm,
    /// What Prometheus costs: `/metrics` read 10,000 times, and the memory afterwards
    Scrape,
    /// The app in containers: their start beside runc's, and their memory (as root, needs
    /// containerd)
    Containers,
    /// The app in pods of one core and 1 GiB, at the case study's load: by the shim, and as an
    /// ordinary container (as root, needs what `cargo xtask test --cluster` builds)
    Pods,
    /// Statements by id, by filters and by the next page, and posts, in a store that is full
    Read,
}
