//! `cargo xtask bench`: builds, and runs the benchmarks of the package hedgeschool-tests.

use anyhow::Result;

use crate::command::{self, cargo};
use crate::{build, workspace};

/// What to measure, and how.
#[derive(clap::Args)]
pub struct Arguments {
    /// Measure what the last build made
    #[arg(long)]
    no_build: bool,
    /// The host to measure, e.g. "spin up --quiet" [default: this repository's]
    #[arg(long, value_name = "COMMAND LINE")]
    host: Option<String>,
    /// Passed on to the benchmarks: `-- --help` explains
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// Builds and measures.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    if !arguments.no_build {
        build::guests(&root, false)?;
        build::host(&root)?;
    }
    let run =
        ["run", "--profile", "host", "--package", "hedgeschool-tests", "--bin", "bench", "--"];
    let mut bench = cargo();
    bench.args(run).args(&arguments.rest).current_dir(&root);
    if let Some(host) = &arguments.host {
        bench.env("HEDGE_TEST_HOST", host);
    }
    command::run(&mut bench)
}
