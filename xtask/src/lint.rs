//! `cargo xtask check`: formatting and lints.

use std::path::Path;

use anyhow::Result;

use crate::command::{self, cargo};
use crate::progress::step;
use crate::workspace;

/// Checks formatting and lints of everything, examples included.
pub fn main() -> Result<()> {
    let root = workspace::root()?;
    step("checking the format", || format(&root))?;
    step("checking with clippy", || {
        let workspace = ["clippy", "--profile", "host", "--workspace", "--all-targets"];
        command::run(cargo().args(workspace).args(["--", "-D", "warnings"]).current_dir(&root))
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
