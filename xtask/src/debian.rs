//! Packages of a Debian machine, installed when that is ours to do.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command;
use crate::progress::step;

/// Something that a task needs of the machine.
pub struct Need {
    /// What for, in a few words.
    purpose: &'static str,
    /// The packages that bring it.
    packages: Vec<String>,
    /// Whether it is there, whichever way it came.
    is_met: bool,
}

impl Need {
    /// A program on the path.
    pub fn program(program: &str, packages: &[&str], purpose: &'static str) -> Self {
        let packages = packages.iter().map(|&package| package.to_owned()).collect();
        Self { purpose, packages, is_met: command::is_installed(program) }
    }

    /// Packages that are no programs.
    pub fn packages(packages: &[&str], purpose: &'static str) -> Self {
        let missing = packages.iter().copied().filter(|package| !is_installed(package));
        let packages: Vec<_> = missing.map(str::to_owned).collect();
        Self { purpose, is_met: packages.is_empty(), packages }
    }

    /// A Python that can make virtual environments, which Debian packs apart.
    pub fn python(purpose: &'static str) -> Self {
        let probe = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
        let packages = ["python3", "python3-venv"].map(str::to_owned).into();
        Self { purpose, packages, is_met: probe.is_ok_and(|output| output.status.success()) }
    }
}

/// Makes sure that all is there: installs what is missing as root on Debian, else says in one
/// sentence what to install.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<_> = needs.iter().filter(|need| !need.is_met).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let purposes: Vec<_> = missing.iter().map(|need| need.purpose).collect();
    let packages: Vec<_> = missing.iter().flat_map(|need| &need.packages).collect();
    let names = packages.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    let purposes = purposes.join(", ");
    if !can_install() {
        bail!("install {names} for {purposes} (on Debian, as root: apt-get install {names})");
    }
    let advice = "let apt-get work first: what it said is above";
    step(&format!("installing {names} for {purposes}"), advice, || install_packages(&packages))
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
fn install_packages(packages: &[&String]) -> Result<()> {
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
