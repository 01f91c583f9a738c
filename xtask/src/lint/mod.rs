//! `cargo xtask check`: formatting and lints. Each names the file, the line and what to do.

mod circles;
mod contracts;
mod modules;
mod prose;
mod shape;
mod source;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::cargo::{cargo, run_build};
use crate::command;
use crate::progress::Steps;
use crate::workspace;

/// How many steps [`run_all`] takes, and those of them that need no compiler.
pub const STEPS: u32 = 2 + QUICK_STEPS;
const QUICK_STEPS: u32 = 4;

/// What to check.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only what needs no compiler: lengths, names, import circles and contracts, in seconds
    #[arg(long)]
    quick: bool,
}

/// Checks formatting and lints of everything, examples included.
pub fn main(arguments: &Arguments) -> Result<()> {
    let root = workspace::find_root()?;
    if arguments.quick {
        return run_quick(&root, &mut Steps::new(QUICK_STEPS));
    }
    run_all(&root, &mut Steps::new(STEPS))
}

/// Does so as a part of more.
///
/// # Errors
///
/// Something is not as it has to be.
pub fn run_all(root: &Path, steps: &mut Steps) -> Result<()> {
    run_quick(root, steps)?;
    steps.step(
        "checking the format",
        "run `cargo fmt --all` in each folder named above",
        || check_format(root),
    )?;
    let advice = "mend what clippy names above; `cargo xtask check` runs just these checks";
    steps.step("checking with clippy", advice, || {
        let workspace = ["clippy", "--profile", "host", "--workspace", "--all-targets"];
        let clippy = &mut cargo();
        run_build("clippy", clippy.args(workspace).args(["--", "-D", "warnings"]).current_dir(root))
    })
}

/// Checks what a look at the files shows, whatever fails: one run shows all there is to mend.
fn run_quick(root: &Path, steps: &mut Steps) -> Result<()> {
    let lines = steps.step("checking the length of lines", "break the lines named above", || {
        prose::check_lines(root)
    });
    let sources = source::read_all(root)?;
    let advice = "move what both need into a file of its own, or to the one that uses it";
    let circles = steps.step("looking for import circles", advice, || circles::check(&sources));
    let advice = "shorten what is named above; call functions by a verb with its object";
    let shape =
        steps.step("measuring files, functions and names", advice, || shape::check(&sources));
    let advice = "say above each item named what it is, and of a number its unit or limit";
    let contracts = steps.step("reading the contracts", advice, || contracts::check(root));
    let failed = [lines, circles, shape, contracts].into_iter().filter_map(Result::err);
    let failed: Vec<_> = failed.map(|error| format!("{error:#}")).collect();
    ensure!(failed.is_empty(), "{}", failed.join("\nError: "));
    Ok(())
}

/// Checks the format of the workspace, and of the apps that are workspaces of their own.
fn check_format(root: &Path) -> Result<()> {
    let mut manifests = workspace::find_apps(root)?;
    manifests.push(root.join("Cargo.toml"));
    for manifest in manifests {
        let check = ["fmt", "--all", "--check", "--manifest-path"];
        command::run(cargo().args(check).arg(manifest))?;
    }
    Ok(())
}
