//! Packages from PyPI, each set in a virtual environment of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Makes a virtual environment in a folder and installs the pinned packages of a file there, unless
/// that was done before. `more` are flags of `pip install`.
///
/// # Errors
/// When there is no Python, or no PyPI.
pub fn install(folder: &Path, requirements: &Path, more: &[&str]) -> Result<()> {
    let (pinned, stamp) = (fs::read(requirements)?, folder.join("requirements.txt"));
    if fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
        return Ok(());
    }
    let venv = Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).output();
    let venv =
        venv.context("python3 is not installed: `cargo xtask test` installs it on Debian")?;
    ensure!(venv.status.success(), "python3 -m venv: {}", String::from_utf8_lossy(&venv.stdout));
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"]).args(more);
    let pip = pip.arg("--requirement").arg(requirements).output()?;
    ensure!(pip.status.success(), "pip install: {}", String::from_utf8_lossy(&pip.stderr));
    Ok(fs::write(&stamp, pinned)?)
}
