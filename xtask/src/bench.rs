//! `cargo xtask bench`: builds, and runs the benchmarks of the package hedgeschool-tests.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::cargo::cargo;
use crate::command;
use crate::debian::{self, Need};
use crate::progress::Steps;
use crate::{build, cluster, revision, workspace};

// The benchmarks' own file, so that one help tells of everything.
#[path = "../../tests/bench/options.rs"]
mod options;

use options::{Group, Options};

/// What to measure, and how.
#[derive(clap::Args)]
pub struct Arguments {
    /// Measure what the last build made
    #[arg(long)]
    no_build: bool,
    /// The host to measure, e.g. "spin up --quiet" [default: this repository's]
    #[arg(long, value_name = "COMMAND LINE")]
    host: Option<String>,
    /// Compare with another revision: both are measured in turns, and ratios are shown
    ///
    /// The revision is built beside today's tree, in target/against, and kept for the next time. A
    /// machine differs from hour to hour: one figure says little, the ratio of two that were taken
    /// within seconds says something. Whether posts became faster since a commit, for example:
    ///
    /// cargo xtask bench --against d867405 --only record --seconds 3
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Builds and measures.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    let groups = arguments.options.groups(arguments.against.is_some())?;
    ensure_servers(&groups)?;
    let other =
        arguments.against.as_ref().map(|name| revision::build_revision(&root, name)).transpose()?;
    let has_shim = groups.iter().any(|it| matches!(it, Group::Containers | Group::Pods));
    match (arguments.no_build, has_shim) {
        (true, _) => {}
        (false, false) => build::build_node(&root, &mut Steps::new(1))?,
        (false, true) => build::build_node_and_shim(&root, &mut Steps::new(1))?,
    }
    let package = ["--profile", "host", "--package", "hedgeschool-tests"];
    if groups.contains(&Group::SlowDisk) {
        // The slow disk is a library that the node loads.
        let mut library = cargo();
        library.arg("build").args(package).args(["--example", "bad_machine"]);
        command::run(library.current_dir(&root))?;
    }
    let mut bench = cargo();
    bench.arg("run").args(package).args(["--bin", "bench"]);
    if groups.contains(&Group::Pods) {
        ensure!(groups == [Group::Pods], "pods want a machine apart: measure them alone");
        cluster::ensure_machine()?;
        let mut steps = Steps::new(cluster::count_missing(&root));
        bench.env("HEDGE_TEST_CLUSTER", cluster::build_programs(&root, &mut steps)?.folder());
        bench.args(cluster::run_apart());
    }
    bench.arg("--");
    bench.args(option_words(&arguments.options, &groups, other.as_deref())).current_dir(&root);
    if let Some(host) = &arguments.host {
        bench.env("HEDGE_TEST_HOST", host);
    }
    command::run(&mut bench)
}

/// Makes sure that the servers are there that take part in measurements.
fn ensure_servers(groups: &[Group]) -> Result<()> {
    let mut needs = Vec::new();
    if groups.contains(&Group::Storm) {
        needs.push(Need::program("redis-server", &["redis-server"], "a storm with Redis"));
    }
    if groups.contains(&Group::Containers) {
        needs.push(Need::program("containerd", &["containerd"], "containers"));
    }
    if groups.contains(&Group::File) {
        needs.push(Need::program("nginx", &["nginx"], "files beside nginx"));
    }
    debian::ensure(&needs)
}

/// The options as words of a command line.
fn option_words(options: &Options, groups: &[Group], other: Option<&Path>) -> Vec<String> {
    let words = [
        format!("--only={}", options::names(groups)),
        format!("--seconds={}", options.seconds),
        format!("--starts={}", options.starts),
        format!("--stored={}", options.stored),
        format!("--course-bytes={}", options.course_bytes),
        format!("--sync-delay-us={}", options.sync_delay_us),
    ];
    let optional = [
        options.runs.map(|runs| format!("--runs={runs}")),
        options.backlog.map(|backlog| format!("--backlog={backlog}")),
        other.map(|folder| format!("--against={}", folder.display())),
    ];
    let rates = options.rate.iter().map(|rate| format!("--rate={rate}"));
    words.into_iter().chain(optional.into_iter().flatten()).chain(rates).collect()
}
