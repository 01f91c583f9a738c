//! A manifest that cannot be honoured fails at start, names key and reason, and leaves nothing
//! behind.

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::is_own_host;

use crate::probe::{Probe, manifest};

/// A change to a good manifest: what is replaced, by what, and words that the error has to have.
type Break = (&'static str, &'static str, &'static [&'static str]);

const BREAKS: [Break; 11] = [
    ("spin_manifest_version = 2", "spin_manifest_version = 3", &["spin_manifest_version", "3"]),
    ("[application]", "[application", &["spin.toml", "line 3"]),
    ("sqlite_databases =", "sqlite_database =", &["sqlite_database", "unknown"]),
    ("['progress']", "['elsewhere']", &["elsewhere"]),
    ("component = \"neighbour\"", "component = \"stranger\"", &["stranger"]),
    ("hedgeschool_probe.wasm", "no_such.wasm", &["no_such.wasm"]),
    ("hedgeschool_progress_store.wasm", "no_store.wasm", &["no_store.wasm"]),
    ("\"hedgeschool:progress@0.2.0\" =", "\"hedgeschool:other@0.2.0\" =", &["hedgeschool:"]),
    ("inherit_configuration = []", "inherit_configuration = ['sqlite']", &["inherit", "sqlite"]),
    ("['http://example.org']", "['example.org']", &["allowed_outbound_hosts", "example.org"]),
    ("route = { private = true }", "route = 'no-slash'", &["no-slash"]),
];

/// Spin takes any name to inherit and a route without a slash, and says nothing.
const SPIN_ACCEPTS: [&str; 2] = ["inherit_configuration", "route"];

/// The folder that Spin makes for components' output before it looks at the manifest.
const SPIN_LOGS: &str = "logs";

#[test]
fn broken_manifests_are_refused_with_key_and_reason() -> Result<()> {
    let grants =
        "sqlite_databases = ['progress']\nallowed_outbound_hosts = ['http://example.org']\n";
    let good = manifest(grants, "");
    Probe::with_manifest(&good)?.builder()?.start().context("the manifest to be broken is good")?;
    let mut wrong = String::new();
    for (part, broken, words) in BREAKS {
        ensure!(good.contains(part), "nothing to break: {part}");
        if SPIN_ACCEPTS.iter().any(|start| broken.starts_with(start)) && !is_own_host() {
            continue;
        }
        if let Err(error) = refused(&good.replace(part, broken), words) {
            wrong += &format!("\n{broken}: {error:#}");
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(())
}

fn refused(manifest: &str, words: &[&str]) -> Result<()> {
    let builder = Probe::with_manifest(manifest)?;
    let builder = builder.builder()?;
    let folder = builder.clone();
    let (status, said) = builder.fail()?;
    ensure!(status.code().is_some_and(|code| code != 0), "it ended with {status}: {said}");
    let entries = folder.folder().read_dir()?.flatten();
    let entries = entries.filter(|entry| is_own_host() || entry.file_name() != SPIN_LOGS);
    let left: Vec<_> = entries.map(|entry| entry.path()).collect();
    ensure!(left.is_empty(), "it left {left:?}");
    if is_own_host() {
        let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        ensure!(missing.is_empty(), "{missing:?} missing in: {said}");
    }
    Ok(())
}
