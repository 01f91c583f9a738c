//! `cargo xtask test`: everything that has to hold.

use std::env;
use std::path::Path;

use anyhow::Result;

use crate::command::{self, cargo};
use crate::{build, debian, lint, workspace};

/// What to test, and on what.
#[derive(clap::Args)]
pub struct Arguments {
    /// Skip the format and clippy
    #[arg(long)]
    no_lint: bool,
    /// Skip building components and host: test those of the last build
    #[arg(long)]
    no_build: bool,
    /// The host to run the nodes on, e.g. "spin up --quiet" [default: this repository's]
    #[arg(long, value_name = "COMMAND LINE")]
    host: Option<String>,
    /// Passed on to `cargo test --workspace`: e.g. `-p hedgeschool-tests replication`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    rest: Vec<String>,
}

/// Lints, builds and tests.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::root()?;
    debian::ensure_program("npm", &["nodejs", "npm"], "the tests run xAPI clients from npm")?;
    debian::ensure_program("redis-server", &["redis-server"], "the tests start a Redis")?;
    if !arguments.no_lint {
        lint::main()?;
    }
    if !arguments.no_build {
        build::guests(&root, true)?;
        build::natives(&root)?;
    }
    run(&root, arguments)
}

/// Runs all tests, whatever fails: one run shows all there is to mend.
fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    eprintln!("==> testing");
    let mut test = cargo();
    test.args(["test", "--profile", "host", "--no-fail-fast"]);
    if !names_package(&arguments.rest) {
        test.arg("--workspace");
    }
    test.args(&arguments.rest).current_dir(root);
    if let Some(host) = &arguments.host {
        test.env("HEDGE_TEST_HOST", host);
    }
    // A failed test says what went wrong in words; a stack through the test runner adds nothing.
    if env::var_os("RUST_LIB_BACKTRACE").is_none() {
        test.env("RUST_LIB_BACKTRACE", "0");
    }
    command::run(&mut test)
}

fn names_package(arguments: &[String]) -> bool {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.into_iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}
