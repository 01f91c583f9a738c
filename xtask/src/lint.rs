//! `cargo xtask check`: formatting and lints.

use std::path::Path;

use anyhow::Result;

use crate::command::{self, cargo};
use crate::progress::{self, Steps};
use crate::{prose, workspace};

/// How many steps [`steps`] takes.
pub const STEPS: u32 = 3;

/// Checks formatting and lints of everything, examples included.
pub fn main() -> Result<()> {
    steps(&workspace::root()?, &mut Steps::new(STEPS))
}

/// Does so as a part of more.
pub fn steps(root: &Path, steps: &mut Steps) -> Result<()> {
    steps.step(
        "checking the format",
        "run `cargo fmt --all` in each folder named above",
        || format(root),
    )?;
    steps.step("checking the length of lines", "break the lines named above", || {
        prose::check(root)
    })?;
    let advice = "mend what clippy names above; `cargo xtask check` runs just these checks";
    steps.step("checking with clippy", advice, || {
        let workspace = ["clippy", "--profile", "host", "--workspace", "--all-targets"];
        let clippy = &mut cargo();
        progress::build(
            "clippy",
            clippy.args(workspace).args(["--", "-D", "warnings"]).current_dir(root),
        )
    })
}

/// Checks the format of the workspace, and of the apps that are workspaces of their own.
fn format(root: &Path) -> Result<()> {
    let mut manifests = workspace::apps(root)?;
    manifests.push(root.join("Cargo.toml"));
    for manifest in manifests {
        let check = ["fmt", "--all", "--check", "--manifest-path"];
        command::run(cargo().args(check).arg(manifest))?;
    }
    Ok(())
}
