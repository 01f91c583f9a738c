//! `cargo xtask test`: everything that has to hold.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::cargo::cargo;
use crate::command::run_watched;
use crate::debian::{self, Need};
use crate::progress::{Steps, say};
use crate::select::{self, Selection};
use crate::{build, cluster, lint, monitoring, revision, wasmedge, workspace};

/// Version 0.1.0, whose nodes go on beside those of today.
const FIRST_RELEASE: &str = "d867405";
/// The package that tests rules for Prometheus.
const RULES: &str = "hedgeschool-monitoring";

/// What to test, and on what.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only tests with this in their name, file or package; builds no more than they need
    name: Option<String>,
    /// Only nodes of version 0.1.0 with nodes of today: builds those first, which takes a while
    #[arg(long, conflicts_with = "name")]
    mixed: bool,
    /// Only containers, under containerd 1.6 and 2, and a Kubernetes (as root): builds what no
    /// package brings from its Go modules, the first time in half an hour
    #[arg(long, conflicts_with = "mixed")]
    cluster: bool,
    /// Only with --cluster: SpinKube's operator too, of the sources in this folder (a checkout of
    /// spinframework/spin-operator), which are built there
    #[arg(long, value_name = "FOLDER", requires = "cluster")]
    spin_operator: Option<PathBuf>,
    /// Only alerts of nodes that are really in trouble, in a Prometheus 3: builds that from its Go
    /// module, the first time in ten minutes
    #[arg(long, conflicts_with_all = ["cluster", "mixed"])]
    monitoring: bool,
    /// Only with --monitoring: draw some panels of the dashboards into this folder
    #[arg(long, value_name = "FOLDER", requires = "monitoring")]
    panels: Option<PathBuf>,
    /// Only courses and suites that others made, which this repository does not have
    #[arg(long, conflicts_with_all = ["cluster", "mixed", "monitoring"])]
    courses: bool,
    /// Only with --courses: ADL's LMS test suite for cmi5, of a checkout of adlnet/CATAPULT
    #[arg(long, value_name = "FOLDER", requires = "courses")]
    catapult: Option<PathBuf>,
    /// Only with --courses: packages of public repositories (tests/courses/packages.toml), of
    /// clones in this folder, OWNER/NAME
    #[arg(long, value_name = "FOLDER", requires = "courses")]
    packages: Option<PathBuf>,
    /// Skip the format and clippy
    #[arg(long)]
    no_lint: bool,
    /// Skip building components and host: test those of the last build
    #[arg(long)]
    no_build: bool,
    /// The host to run the nodes on, e.g. "spin up --quiet" [default: this repository's]
    #[arg(long, value_name = "COMMAND LINE")]
    host: Option<String>,
    /// Passed on to the test programs, after `--`: e.g. `-- --nocapture --test-threads 1`
    #[arg(last = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// Lints, builds and tests.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    match &arguments.name {
        _ if arguments.mixed => test_mixed(&root, arguments),
        _ if arguments.cluster => test_cluster(&root, arguments),
        _ if arguments.monitoring => test_alerts(&root, arguments),
        _ if arguments.courses => test_courses(&root, arguments),
        Some(name) => test_some(&root, arguments, &select::select_tests(&root, name)?),
        None => test_everything(&root, arguments),
    }
}

/// Tests that start nodes of an earlier version too.
fn test_mixed(root: &Path, arguments: &Arguments) -> Result<()> {
    let old = revision::build_revision(root, FIRST_RELEASE)?;
    let mut steps = Steps::new(2);
    if !arguments.no_build {
        build::build_node(root, &mut steps)?;
    }
    let mut test = node_tests(&["mixed::".to_owned()], root, arguments);
    test.arg("--ignored").env("HEDGE_TEST_FIRST_RELEASE", old);
    run_tests(vec![build_of_breakers(root), test], &mut steps)
}

/// Tests of what a live Prometheus makes of nodes, one after another: each has the machine for
/// itself.
fn test_alerts(root: &Path, arguments: &Arguments) -> Result<()> {
    ensure!(rustix::process::getuid().is_root(), "a disk takes root: run this command as root");
    let builds = if arguments.no_build { 0 } else { 2 };
    let mut steps = Steps::new(monitoring::count_missing(root) + builds + 1);
    let programs = monitoring::build_programs(root, &mut steps)?;
    if !arguments.no_build {
        build::build_node(root, &mut steps)?;
    }
    let words = ["--workspace", "--test", "alerts"].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain(arguments.name.iter().cloned()).collect();
    let mut test = test_command(&words, root, arguments);
    test.arg("--test-threads=1").env("HEDGE_TEST_MONITORING", env::join_paths(programs)?);
    if let Some(folder) = &arguments.panels {
        test.env("HEDGE_TEST_PANELS", root.join(folder));
    }
    run_tests(vec![build_of_breakers(root), test], &mut steps)
}

/// Tests that run what others made beside a node.
fn test_courses(root: &Path, arguments: &Arguments) -> Result<()> {
    ensure_servers()?;
    let mut steps = Steps::new(if arguments.no_build { 1 } else { 3 });
    if !arguments.no_build {
        build::build_node(root, &mut steps)?;
    }
    let mut words = ["--workspace", "--test", "courses"].map(str::to_owned).to_vec();
    words.extend(arguments.name.iter().cloned());
    let mut test = test_command(&words, root, arguments);
    if let Some(checkout) = &arguments.catapult {
        test.env("HEDGE_TEST_CATAPULT", root.join(checkout));
    }
    if let Some(clones) = &arguments.packages {
        test.env("HEDGE_TEST_PACKAGES", root.join(clones));
    }
    run_tests(vec![test], &mut steps)
}

/// Tests of containers, under both generations of containerd, and of a cluster.
fn test_cluster(root: &Path, arguments: &Arguments) -> Result<()> {
    ensure!(rustix::process::getuid().is_root(), "containers take root: run this command as root");
    cluster::ensure_machine()?;
    ensure_containerd()?;
    let earlier = revision::build_components(root, FIRST_RELEASE)?;
    if let Some(sources) = &arguments.spin_operator {
        cluster::build_operator(sources)?;
    }
    let builds = if arguments.no_build { 0 } else { 3 };
    let mut steps = Steps::new(cluster::count_missing(root) + builds + 1);
    let programs = cluster::build_programs(root, &mut steps)?;
    if !arguments.no_build {
        build::build_node_and_shim(root, &mut steps)?;
        build::build_verifier(root, &mut steps)?;
        build::build_apps(root, &mut steps)?;
    }
    let name: Vec<_> = arguments.name.iter().cloned().collect();
    let one = container_tests(&name, root, arguments);
    let boxes = ["--test", "box_files"].map(str::to_owned);
    let mut two = container_tests(&[&boxes[..], &name].concat(), root, arguments);
    two.env("HEDGE_TEST_CONTAINERD", programs.containerd());
    let mut whole = cluster_tests(root, &programs, arguments);
    whole.env("HEDGE_TEST_FIRST_RELEASE", earlier);
    if let Some(sources) = &arguments.spin_operator {
        whole.env("HEDGE_TEST_SPIN_OPERATOR", root.join(sources));
    }
    run_tests(vec![one, two, whole], &mut steps)
}

fn test_everything(root: &Path, arguments: &Arguments) -> Result<()> {
    ensure_servers()?;
    ensure_containerd()?;
    let lints = if arguments.no_lint { 0 } else { lint::STEPS };
    let builds = if arguments.no_build { 0 } else { 3 };
    let mut steps = Steps::new(lints + builds + 1);
    if !arguments.no_build {
        build::build_all(root, &mut steps)?;
        build::build_verifier(root, &mut steps)?;
        build::build_apps(root, &mut steps)?;
    }
    if !arguments.no_lint {
        lint::run_all(root, &mut steps)?;
    }
    run_tests(vec![test_command(&["--workspace".to_owned()], root, arguments)], &mut steps)
}

/// Tests little, in little time: while one works on something.
fn test_some(root: &Path, arguments: &Arguments, selection: &Selection) -> Result<()> {
    let Selection { packages, has_nodes, has_containers, arguments: chosen } = selection;
    let is_built = (*has_nodes || *has_containers) && !arguments.no_build;
    let builds = if is_built { 2 + u32::from(*has_containers) } else { 0 };
    let mut steps = Steps::new(builds + 1);
    if *has_nodes {
        ensure_servers()?;
    }
    if *has_containers {
        ensure_containerd()?;
    }
    if packages.iter().any(|package| package == RULES) {
        debian::ensure(&[promtool()])?;
    }
    if builds > 0 {
        match has_containers {
            true => {
                build::build_node_and_shim(root, &mut steps)?;
                build::build_verifier(root, &mut steps)?;
            }
            false => build::build_node(root, &mut steps)?,
        }
        build::build_apps(root, &mut steps)?;
    }
    let mut tests = Vec::new();
    if !packages.is_empty() {
        let packages = packages.iter().flat_map(|it| ["--package".to_owned(), it.clone()]);
        let words: Vec<_> = packages.chain(chosen.iter().cloned()).collect();
        tests.push(test_command(&words, root, arguments));
    }
    if *has_nodes {
        tests.extend([build_of_breakers(root), node_tests(chosen, root, arguments)]);
    }
    if *has_containers {
        tests.push(container_tests(chosen, root, arguments));
    }
    run_tests(tests, &mut steps)
}

/// The command that builds what breaks the machine under a node: examples of the tests, which
/// Cargo would otherwise build as tests themselves.
fn build_of_breakers(root: &Path) -> Command {
    let mut build = cargo();
    build.args(["build", "--profile", "host", "--workspace", "--examples"]).current_dir(root);
    build
}

/// The command that runs tests of whole nodes, and builds no other.
fn node_tests(chosen: &[String], root: &Path, arguments: &Arguments) -> Command {
    let words = ["--workspace", "--test", "node"].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain(chosen.iter().cloned()).collect();
    test_command(&words, root, arguments)
}

/// The command that runs tests of containers. The whole workspace decides on features, as it does
/// when all is built.
fn container_tests(chosen: &[String], root: &Path, arguments: &Arguments) -> Command {
    let words = ["--workspace", "--test", "containers"].map(str::to_owned);
    let words: Vec<_> = words.into_iter().chain(chosen.iter().cloned()).collect();
    test_command(&words, root, arguments)
}

/// The command that runs tests of a cluster, one after another: each has the machine for itself.
fn cluster_tests(root: &Path, programs: &cluster::Programs, arguments: &Arguments) -> Command {
    let mut words = ["--workspace", "--test", "cluster"].map(str::to_owned).to_vec();
    words.extend(cluster::run_apart());
    words.extend(arguments.name.iter().cloned());
    let mut test = test_command(&words, root, arguments);
    test.arg("--test-threads=1").env("HEDGE_TEST_CLUSTER", programs.folder());
    test
}

/// What the tests of containers start; without root those that take a containerd are left out.
fn ensure_containerd() -> Result<()> {
    let mut needs = vec![Need::python("Wasmtime from PyPI")];
    if rustix::process::getuid().is_root() {
        needs.push(Need::program("containerd", &["containerd"], "containers"));
    }
    debian::ensure(&needs)
}

/// What the tests start beside nodes.
fn ensure_servers() -> Result<()> {
    debian::ensure(&[
        Need::program("npm", &["nodejs", "npm"], "xAPI clients from npm"),
        Need::python("an xAPI client from PyPI"),
        Need::program("redis-server", &["redis-server"], "a Redis"),
        Need::program("chromedriver", &["chromium", "chromium-driver"], "a browser"),
        Need::program("shellcheck", &["shellcheck"], "scripts"),
        promtool(),
    ])
}

/// What judges rules for Prometheus.
fn promtool() -> Need {
    Need::program("promtool", &["prometheus"], "alerts")
}

/// A command that runs tests, whatever fails: one run shows all there is to mend.
fn test_command(words: &[String], root: &Path, arguments: &Arguments) -> Command {
    let mut test = cargo();
    test.args(["test", "--profile", "host", "--no-fail-fast"]).args(words);
    test.arg("--").args(&arguments.rest).current_dir(root);
    if let Some(host) = &arguments.host {
        test.env("HEDGE_TEST_HOST", host);
    }
    if let Some(crun) = wasmedge::find_crun(root) {
        test.env("HEDGE_TEST_CRUN", crun);
    }
    // A failed test says what went wrong in words; a stack through the test runner adds nothing.
    if env::var_os("RUST_LIB_BACKTRACE").is_none() {
        test.env("RUST_LIB_BACKTRACE", "0");
    }
    test
}

/// Runs tests, and shows what came of them.
fn run_tests(mut tests: Vec<Command>, steps: &mut Steps) -> Result<()> {
    let mut total = Total::default();
    let advice = "mend the tests named above; `cargo xtask test NAME` runs one alone";
    let outcome = steps.step("testing", advice, || {
        let mut outcome = Ok(());
        for test in &mut tests {
            let ran = run_watched(test, |line| total.add_line(line));
            outcome = outcome.and(ran);
        }
        outcome
    });
    for name in &total.names {
        say(&format!("FAILED: {name}"));
    }
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    outcome?;
    ensure!(
        total.passed > 0,
        "no test ran: `cargo xtask test` runs all, `cargo xtask test -- --list` lists them"
    );
    Ok(())
}

/// What all test programs together came to: each prints a line of its own, and many of those say 0.
#[derive(Debug, Default, PartialEq)]
struct Total {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// The tests that failed.
    names: Vec<String>,
}

impl Total {
    /// Adds a test program's closing line, `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add_line(&mut self, line: &str) {
        let failed = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
        self.names.extend(failed.map(str::to_owned));
        let counts = line.strip_prefix("test result: ").and_then(|line| line.split_once(". "));
        let Some((_, counts)) = counts else { return };
        for count in counts.split("; ") {
            let Some((number, what)) = count.split_once(' ') else { continue };
            let number = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut total = Total::default();
        total.add_line(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; …",
        );
        total.add_line(
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        total.add_line("test statements::one ... ok");
        total.add_line("test statements::two ... FAILED");
        let names = vec!["statements::two".to_owned()];
        assert_eq!(total, Total { passed: 7, failed: 2, ignored: 1, names });
    }
}
