//! The Job of `k3s/wasmedge`: course packages checked by crun with WasmEdge.

use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::containerd::pack_verifier;
use hedgeschool_tests::{course, repository};
use serde_json::Value;
use tempfile::TempDir;

use crate::{NAMESPACE, objects, with_cluster};

/// Checks what is in the claim anew, and answers what the Job said once it has come to an end.
fn check(cluster: &Cluster, end: &str) -> Result<String> {
    let job = ["job/verify", "-n", NAMESPACE];
    cluster.kubectl(&[&["delete", "--ignore-not-found"], &job[..]].concat())?;
    cluster.apply_folder(&repository("k3s/wasmedge"))?;
    let condition = format!("--for=condition={end}");
    cluster.kubectl(&[&["wait", &condition, "--timeout=60s"], &job[..]].concat())?;
    cluster.kubectl(&[&["logs"], &job[..]].concat())
}

/// The image that the Job's container is of.
fn image(cluster: &Cluster) -> Result<String> {
    let objects = objects(cluster, &repository("k3s/wasmedge"))?;
    let image = |it: &Value| it.pointer("/spec/template/spec/containers/0/image").cloned();
    let image = objects.iter().find_map(image).context("no container")?;
    Ok(image.as_str().context("no image")?.to_owned())
}

fn checks(cluster: &mut Cluster) -> Result<()> {
    if !cluster.has_wasmedge() {
        eprintln!("left out: no crun with WasmEdge (`cargo xtask wasmedge` builds one)");
        return Ok(());
    }
    let folder = TempDir::new()?;
    cluster.import(&pack_verifier(folder.path(), &image(cluster)?)?)?;
    cluster.kubectl(&["create", "namespace", NAMESPACE])?;
    let packages = cluster.volume("packages", NAMESPACE)?;
    let knots = course::package("https://example.org/knots", "Knots")?;
    fs::write(packages.join("knots.zip"), knots)?;
    let said = check(cluster, "complete")?;
    ensure!(said.contains(r#"knots.zip: course "Knots""#), "{said}");
    let outside = course::archive(&[("../cmi5.xml", b"")])?;
    fs::write(packages.join("outside.zip"), outside)?;
    let said = check(cluster, "failed")?;
    println!("{said}");
    ensure!(said.contains("outside.zip: refused: "), "{said}");
    ensure!(said.contains(r#"knots.zip: course "Knots""#), "{said}");
    Ok(())
}

#[test]
fn a_job_checks_packages_on_containerd_1() -> Result<()> {
    with_cluster(Generation::One, checks)
}

#[test]
fn a_job_checks_packages_on_containerd_2() -> Result<()> {
    with_cluster(Generation::Two, checks)
}
