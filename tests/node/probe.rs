//! The app of `tests/fixtures/probe`, with the grants that a test gives it.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result};
use hedgeschool_tests::{Builder, Node, repository};
use tempfile::TempDir;

/// What stands behind the labels that tests grant.
const RUNTIME_CONFIG: &str = r#"
[sqlite_database.progress]
type = "spin"
path = "progress.db"

[key_value_store.shelf]
type = "spin"
path = "shelf.db"
"#;

/// A manifest in a folder of its own.
pub struct Probe {
    folder: Arc<TempDir>,
}

impl Probe {
    /// The app with these lines in its component's table, and with what its dependency inherits.
    pub fn new(grants: &str, inherit: &str) -> Result<Self> {
        Self::with_manifest(&manifest(grants, inherit))
    }

    /// Any app.
    pub fn with_manifest(manifest: &str) -> Result<Self> {
        let folder = Arc::new(TempDir::new()?);
        fs::write(folder.path().join("spin.toml"), manifest)?;
        fs::write(folder.path().join("runtime-config.toml"), RUNTIME_CONFIG)?;
        Ok(Self { folder })
    }

    /// A node of the app.
    pub fn builder(&self) -> Result<Builder> {
        let folder = self.folder.path();
        let app = Node::app(&folder.join("spin.toml"), &folder.join("runtime-config.toml"))?;
        Ok(app.needs(Arc::clone(&self.folder)))
    }
}

/// The probe's manifest.
pub fn manifest(grants: &str, inherit: &str) -> String {
    let probe =
        repository("tests/fixtures/probe/target/wasm32-wasip2/release/hedgeschool_probe.wasm");
    let store = repository("target/wasm32-wasip2/release/hedgeschool_progress_store.wasm");
    let dependency = format!("{{ path = {store:?}, inherit_configuration = [{inherit}] }}");
    format!(
        r#"spin_manifest_version = 2

[application]
name = "probe"

[variables]
secret = {{ default = "a secret" }}

[[trigger.http]]
route = "/..."
component = "probe"

[[trigger.http]]
route = {{ private = true }}
component = "neighbour"

[component.probe]
source = {probe:?}
{grants}
[component.probe.dependencies]
"hedgeschool:progress@0.2.0" = {dependency}

[component.neighbour]
source = {probe:?}
[component.neighbour.dependencies]
"hedgeschool:progress@0.2.0" = {dependency}
"#
    )
}

/// What the probe says when it tries something.
pub fn ask(node: &Node, what: &str) -> Result<String> {
    let said = node.anonymous().get(what)?.expect(200).with_context(|| what.to_owned())?;
    Ok(said.text())
}
