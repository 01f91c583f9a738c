//! Variables and the runtime configuration.

use std::fs;

use anyhow::Result;
use hedgeschool_tests::{Builder, Doctor, Node, free_port, is_own_host, repository};
use tempfile::TempDir;

use super::stopped;
use crate::tree::{node, under};

/// A node that was never started, with a variable.
fn with(name: &str, value: &str) -> Result<Doctor> {
    Ok(builder()?.variable(name, value).doctor(free_port()?))
}

fn builder() -> Result<Builder> {
    Node::builder()?.on_disk()
}

#[test]
fn variables_that_are_wrong() -> Result<()> {
    for (name, value, says) in [
        ("node_idd", "x", "has no such name"),
        ("node_id", "Galway City", "which is no name of a node"),
        ("upstream_url", "hub.example.org", "which is no address of a node"),
        ("upstream_url", "http://127.0.0.1:1/sync", "which is no address of a node"),
        ("bootstrap_admin", "admin:", "an empty password"),
        ("bootstrap_admin", "admin:1234", "fewer than 8 characters"),
        ("bootstrap_admin", "", "Nobody can sign in"),
        ("bootstrap_nodes", "galway", "has no name or no token"),
        ("bootstrap_nodes", "node:x", "are both called \"node\""),
        ("sync_enabled", "maybe", "sync_enabled"),
        ("sync_interval", "soon", "sync_interval"),
        ("redis_url", "localhost", "which is no address of a Redis"),
    ] {
        let mut doctor = with(name, value)?;
        if name == "upstream_url" {
            doctor = doctor.argument("--variable=upstream_token=x");
            doctor = doctor.argument("--variable=node_id=edge");
        }
        doctor.expect_wrong("variables", says)?;
    }
    with("upstream_token", "x")?.expect_warning("variables", "no node above that it is for")?;
    let misspelt = vec![("SPIN_VARIABLE_NODEID".to_owned(), "x".to_owned())];
    let doctor = builder()?.doctor(free_port()?).environment(misspelt);
    doctor.expect_wrong("variables", "SPIN_VARIABLE_NODEID sets a variable")
}

#[test]
fn a_node_without_a_name_or_a_token_under_another() -> Result<()> {
    if !is_own_host() {
        return Ok(());
    }
    let hub = node("hub", &["node", "edge"])?.on_disk()?.start()?;
    let nameless = under(Node::builder()?, "node", &hub.address()).on_disk()?;
    nameless.doctor(free_port()?).expect_wrong("variables", "no name of its own")?;
    let mut edge = stopped(under(node("edge", &[])?, "edge", &hub.address()))?;
    edge.set_variable("upstream_token", "");
    // The node above says so as well.
    let seen = edge.doctor().examine()?;
    let found: Vec<_> = seen.report["findings"].as_array().into_iter().flatten().collect();
    let checks: Vec<_> = found.iter().filter_map(|finding| finding["check"].as_str()).collect();
    assert_eq!(checks, ["variables", "upstream-token"], "{seen:#?}");
    Ok(())
}

#[test]
fn a_runtime_configuration_that_is_wrong() -> Result<()> {
    let text = fs::read_to_string(repository("runtime-config.toml"))?;
    let folder = TempDir::new()?;
    let file = folder.path().join("runtime-config.toml");
    for (from, to, says) in [
        ("[sqlite_database.progress]", "[sqlite_database.other]", "\"progress\""),
        ("path = \"progress.db\"", "", "without it nothing would be kept"),
        ("\"progress.db\"", "\"/no/such/folder/progress.db\"", "there is no folder"),
        ("type = \"spin\"", "type = \"libsql\"", "only type = \"spin\""),
    ] {
        fs::write(&file, text.replace(from, to))?;
        let doctor = builder()?.runtime_config(&file).doctor(free_port()?);
        doctor.expect_wrong("runtime-config", says)?;
    }
    let nowhere = folder.path().join("none.toml");
    let doctor = builder()?.runtime_config(&nowhere).doctor(free_port()?);
    doctor.expect_wrong("runtime-config", "none.toml")
}
