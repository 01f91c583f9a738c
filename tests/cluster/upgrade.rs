//! A roll-out under load.

use std::env;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::{repository, statement, storm};

use crate::watch::watched;
use crate::{GALWAY, LABEL, NAMESPACE, import_app, name, with_cluster, xapi};

/// What the earlier version's image is called.
const EARLIER: &str = "localhost/hedgeschool:0.1.0";
/// How long nothing may be acknowledged.
const GAP_MAX: Duration = Duration::from_secs(1);

/// Starts with another version than the manifests' own, which has never been there: what it has
/// opened, an earlier one does not.
fn start(cluster: &Cluster, image: &str) -> Result<()> {
    GALWAY.prepare(cluster)?;
    let folder = repository("k3s/overlays/edge").display().to_string();
    let objects = cluster.kubectl(&["kustomize", &folder])?;
    let line = |line: &str| match line.split_once("image: localhost/hedgeschool:") {
        Some((indent, _)) => format!("{indent}image: {image}\n"),
        None => format!("{line}\n"),
    };
    cluster.apply(&objects.lines().map(line).collect::<String>())?;
    cluster.await_rollout("hedgeschool", NAMESPACE)?;
    cluster.await_pod(LABEL, NAMESPACE).map(drop)
}

/// Rolls from an app's image to today's while clients post.
fn roll(cluster: &Cluster, manifest: &Path) -> Result<()> {
    import_app(cluster, manifest, EARLIER)?;
    start(cluster, EARLIER)?;
    let client = xapi(cluster, NAMESPACE)?;
    let mut gap = Duration::ZERO;
    let mut storm = watched(|| {
        storm::through(&client, |load| {
            load.await_more(200)?;
            gap = load.gap_during(|| {
                cluster.apply_folder(&repository("k3s/overlays/edge"))?;
                cluster.await_rollout("hedgeschool", NAMESPACE)?;
                cluster.await_pod(LABEL, NAMESPACE).map(drop)
            })?;
            load.await_more(200)
        })
    })?;
    storm.retry(&client)?;
    storm.check(&statement::all_ids(&client)?.into_iter().collect())?;
    println!("nothing was acknowledged for {gap:?} at most");
    let pod = cluster.await_pod(LABEL, NAMESPACE)?;
    println!("{}", cluster.kubectl(&["logs", "--timestamps", name(&pod), "-n", NAMESPACE])?);
    ensure!(gap <= GAP_MAX, "nothing was acknowledged for {gap:?}");
    Ok(())
}

#[test]
fn a_roll_out_loses_nothing_and_is_hardly_felt() -> Result<()> {
    with_cluster(Generation::Two, |cluster| roll(cluster, &repository("spin.toml")))
}

#[test]
fn so_does_one_from_the_first_release() -> Result<()> {
    let Some(earlier) = env::var_os("HEDGE_TEST_FIRST_RELEASE") else {
        eprintln!("left out: no HEDGE_TEST_FIRST_RELEASE");
        return Ok(());
    };
    let manifest = Path::new(&earlier).join("spin.toml");
    with_cluster(Generation::Two, |cluster| roll(cluster, &manifest))
}
