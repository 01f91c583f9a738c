//! CATAPULT's LMS test suite for cmi5, by ADL: `lts` of a checkout of adlnet/CATAPULT.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{Node, repository};
use serde_json::Value;

/// The folder of the checkout.
const CHECKOUT: &str = "HEDGE_TEST_CATAPULT";
/// How many tests the suite has.
const TESTS: u64 = 87;

/// Runs a program of the suite's to its end.
fn run(program: &str, words: &[&str], folder: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(words).current_dir(folder);
    // The machine's own browser is used. And webpack 5.45 wants an old hash of OpenSSL's.
    command.env("PUPPETEER_SKIP_DOWNLOAD", "1").env("PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "1");
    command.env("NODE_OPTIONS", "--openssl-legacy-provider");
    let output = command.output().with_context(|| format!("starting {program}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    ensure!(output.status.success(), "{program} {words:?}: {said}");
    Ok(())
}

/// A copy of the suite with what it needs, and its packages built.
fn suite(checkout: &Path) -> Result<PathBuf> {
    let to = repository("target/courses/lts");
    if !to.join("pkg/dist/210-1-no-cmi5-xml.zip").is_file() {
        let _ = fs::remove_dir_all(&to);
        fs::create_dir_all(to.parent().context("it has one")?)?;
        let from = checkout.join("lts").display().to_string();
        run("cp", &["-r", &from, &to.display().to_string()], checkout)?;
        run("npm", &["ci", "--no-audit", "--no-fund"], &to)?;
        run("npx", &["webpack"], &to.join("pkg"))?;
    }
    Ok(to)
}

#[test]
fn the_lms_test_suite_passes() -> Result<()> {
    let Some(checkout) = env::var_os(CHECKOUT).map(PathBuf::from) else {
        eprintln!("left out: no {CHECKOUT}; `cargo xtask test --courses --catapult FOLDER`");
        return Ok(());
    };
    let folder = suite(&checkout)?;
    let node = Node::start()?;
    let report = folder.join("report.json");
    let _ = fs::remove_file(&report);
    let output = Command::new("npx")
        .args(["jest", "--ci", "--json", "--outputFile"])
        .arg(&report)
        .current_dir(&folder)
        .env("CATAPULT_LMS", repository("tests/courses/lms.cjs"))
        .env("JEST_PUPPETEER_CONFIG", repository("tests/courses/browser.cjs"))
        .env("HEDGE_NODE", node.address())
        .env("HEDGE_ADMIN", Node::ADMIN)
        .env("HEDGE_CLIENT", Node::CLIENT)
        .output()
        .context("starting npx")?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = fs::read(&report).with_context(|| said.clone())?;
    let report: Value = serde_json::from_slice(&report)?;
    let number = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (passed, all) = (number("numPassedTests"), number("numTotalTests"));
    println!("{passed} of {all}");
    ensure!(passed == all && all == TESTS, "{passed} of {all}, {TESTS} are known: {said}");
    Ok(())
}
