//! Packages of a Debian machine, installed when that is ours to do.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command;
use crate::progress::step;

/// Makes sure that packages are there: installs the missing ones as root on Debian, else says in
/// one sentence what to install.
pub fn ensure_installed(packages: &[&str], purpose: &str) -> Result<()> {
    let missing: Vec<_> =
        packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !can_install() {
        bail!("{purpose}: install {names} (on Debian, as root: apt-get install {names})");
    }
    let advice = "let apt-get work first: what it said is above";
    step(&format!("installing {names}: {purpose}"), advice, || install(&missing))
}

/// Makes sure that a program is on the path, whichever way it came there; else installs the
/// packages that bring it.
pub fn ensure_program(program: &str, packages: &[&str], purpose: &str) -> Result<()> {
    if command::is_installed(program) { Ok(()) } else { ensure_installed(packages, purpose) }
}

/// Makes sure that there is a Python that can make virtual environments, which Debian packs apart.
pub fn ensure_python(purpose: &str) -> Result<()> {
    let probe = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    ensure_installed(&["python3", "python3-venv"], purpose)
}

/// Whether this is Debian and we are root.
pub fn can_install() -> bool {
    is_debian() && rustix::process::geteuid().is_root()
}

fn is_debian() -> bool {
    Path::new("/etc/debian_version").exists() && command::is_installed("apt-get")
}

fn is_installed(package: &str) -> bool {
    let status = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output();
    status.is_ok_and(|output| output.stdout == b"installed")
}

/// Installs packages. The lists of what there is may be old, or missing on a new machine.
fn install(packages: &[&str]) -> Result<()> {
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    command::run_unseen(apt_get().args(["update", "-q"]))?;
    command::run_unseen(apt_get().args(install).args(packages))
}

/// `apt-get` that asks nothing.
fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}
