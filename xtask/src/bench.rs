//! `cargo xtask bench`: builds, and runs the benchmarks of the package hedgeschool-tests.

use anyhow::Result;
use clap::ValueEnum;

use crate::command::{self, cargo};
use crate::{build, debian, workspace};

// The benchmarks' own file, so that one help tells of everything.
#[path = "../../tests/bench/options.rs"]
mod options;

use options::Options;

/// What to measure, and how.
#[derive(clap::Args)]
pub struct Arguments {
    /// Measure what the last build made
    #[arg(long)]
    no_build: bool,
    /// The host to measure, e.g. "spin up --quiet" [default: this repository's]
    #[arg(long, value_name = "COMMAND LINE")]
    host: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Builds and measures.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    if arguments.options.only.contains(&options::Group::Storm) {
        debian::ensure_program(
            "redis-server",
            &["redis-server"],
            "a storm is measured with Redis",
        )?;
    }
    if !arguments.no_build {
        build::guests(&root, false)?;
        build::host(&root)?;
    }
    let package = ["--profile", "host", "--package", "hedgeschool-tests"];
    // The slow disk is a library that the node loads.
    let mut slow_disk = cargo();
    slow_disk.arg("build").args(package).args(["--example", "bad_machine"]);
    command::run(slow_disk.current_dir(&root))?;
    let mut bench = cargo();
    bench.arg("run").args(package).args(["--bin", "bench", "--"]);
    bench.args(words(&arguments.options)).current_dir(&root);
    if let Some(host) = &arguments.host {
        bench.env("HEDGE_TEST_HOST", host);
    }
    command::run(&mut bench)
}

/// The options as words of a command line.
fn words(options: &Options) -> [String; 8] {
    let groups = options.only.iter().filter_map(ValueEnum::to_possible_value);
    let groups: Vec<_> = groups.map(|group| group.get_name().to_owned()).collect();
    [
        format!("--only={}", groups.join(",")),
        format!("--seconds={}", options.seconds),
        format!("--runs={}", options.runs),
        format!("--starts={}", options.starts),
        format!("--stored={}", options.stored),
        format!("--backlog={}", options.backlog),
        format!("--course-bytes={}", options.course_bytes),
        format!("--sync-delay-us={}", options.sync_delay_us),
    ]
}
