//! xAPI clients that others wrote record and read statements at a node.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};
use hedgeschool_tests::{Node, python, repository, statement};

/// The folder with the clients installed, as `tests/clients/package-lock.json` pins them.
fn clients() -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    installed.clone().map_err(|error| anyhow!("{error}"))
}

fn install() -> Result<PathBuf> {
    let (from, to) = (repository("tests/clients"), repository("target/clients"));
    fs::create_dir_all(&to)?;
    let is_installed = to.join("node_modules").is_dir() && is_same("package-lock.json")?;
    for entry in fs::read_dir(&from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    if !is_installed {
        let output =
            Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&to).output();
        let output =
            output.context("npm is not installed: `cargo xtask test` installs it on Debian")?;
        ensure!(output.status.success(), "npm ci: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(to)
}

fn is_same(file: &str) -> Result<bool> {
    let pinned = fs::read(repository("tests/clients").join(file))?;
    Ok(fs::read(repository("target/clients").join(file)).is_ok_and(|installed| installed == pinned))
}

/// The Python that has its clients installed, as `tests/clients/requirements.txt` pins them.
fn interpreter() -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let installed =
        INSTALLED.get_or_init(|| install_python().map_err(|error| format!("{error:#}")));
    installed.clone().map_err(|error| anyhow!("{error}"))
}

fn install_python() -> Result<PathBuf> {
    let folder = repository("target/clients/python");
    python::install(&folder, &repository("tests/clients/requirements.txt"), &[])?;
    Ok(folder.join("bin/python"))
}

/// Runs a client's script against a fresh node; it fails with what it did not get.
fn run(script: &str) -> Result<Node> {
    // Installs the scripts along with the clients.
    let folder = clients()?;
    let interpreter = if script.ends_with(".py") { interpreter()? } else { PathBuf::from("node") };
    let node = Node::start()?;
    let (key, secret) = Node::CLIENT.split_once(':').context("key:secret")?;
    let output = Command::new(interpreter)
        .arg(script)
        .args([&format!("{}/xapi/", node.address()), key, secret])
        .current_dir(folder)
        .output()
        .context("node is not installed: `cargo xtask test` installs it on Debian")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{script}: {said}\n{complaint}");
    Ok(node)
}

#[test]
fn xapi_js_records_and_reads() -> Result<()> {
    let node = run("xapi.mjs")?;
    // The voided one is not counted, and the one that voids it is.
    assert_eq!(statement::count(&node.xapi())?, 5);
    Ok(())
}

#[test]
fn tincan_js_records_and_reads() -> Result<()> {
    let node = run("tincan.mjs")?;
    assert_eq!(statement::count(&node.xapi())?, 3);
    Ok(())
}

#[test]
fn tincan_python_records_and_reads() -> Result<()> {
    let node = run("with_tincan.py")?;
    assert_eq!(statement::count(&node.xapi())?, 3);
    Ok(())
}
