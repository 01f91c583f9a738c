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
    debian::ensure_python("the tests run an xAPI client from PyPI")?;
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
    let mut total = Total::default();
    let outcome = command::run_watched(&mut test, |line| total.add(line));
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    outcome
}

/// What all test programs together came to: each prints a line of its own, and many of those say 0.
#[derive(Debug, Default, PartialEq)]
struct Total {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Total {
    /// Adds a test program's closing line, `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|l| l.split_once(". "))
        else {
            return;
        };
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

fn names_package(arguments: &[String]) -> bool {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.into_iter().any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_add_up() {
        let mut total = Total::default();
        total.add("test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; …");
        total.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        total.add("test statements::one ... ok");
        assert_eq!(total, Total { passed: 7, failed: 2, ignored: 1 });
    }

    #[test]
    fn a_package_is_named_before_the_tests_own_arguments() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(names_package(&words("-p hedge up")));
        assert!(names_package(&words("--package=hedge")));
        assert!(!names_package(&words("replication -- --nocapture -p")));
    }
}
