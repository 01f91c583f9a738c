//! A node as a SpinApp: the Deployment that SpinKube's operator makes of it, served by our shim.

use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::{eventually, repository, statement, storm};
use serde_json::{Value, json};

use crate::watch::watched;
use crate::{GALWAY, LABEL, NAMESPACE, import_app, objects, with_cluster, xapi};

/// What the operator makes of our SpinApp, where its sources are not here.
const FIXTURE: &str = "tests/fixtures/spinkube/made.json";
/// What the API server and others add to an object.
const ADDED: [&str; 7] = [
    "creationTimestamp",
    "deployment.kubernetes.io/revision",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

/// Takes from an object what differs from cluster to cluster.
fn settle(object: &mut Value) {
    match object {
        Value::Object(fields) => {
            fields.retain(|key, _| !ADDED.contains(&key.as_str()));
            for address in ["clusterIP", "clusterIPs", "status"] {
                fields.remove(address);
            }
            fields.values_mut().for_each(settle);
            fields.retain(|_, value| *value != json!({}));
        }
        Value::Array(values) => values.iter_mut().for_each(settle),
        _ => {}
    }
}

/// What the operator has made: of the settings of stores it makes a Secret.
fn made(cluster: &Cluster) -> Result<Value> {
    let deployment = cluster.get("deployment", "hedgeschool", NAMESPACE)?;
    let volumes = deployment.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    let mut secrets = volumes.into_iter().flatten().map(|it| it.pointer("/secret/secretName"));
    let secret = secrets.find_map(|name| name?.as_str()).context("no settings of stores")?;
    let mut made = json!([
        cluster.get("secret", secret, NAMESPACE)?,
        cluster.get("service", "hedgeschool", NAMESPACE)?,
        deployment,
    ]);
    settle(&mut made);
    Ok(made)
}

/// Makes the node, by the operator or in its place.
fn make(cluster: &mut Cluster, has_operator: bool) -> Result<()> {
    GALWAY.prepare(cluster)?;
    let overlay = objects(cluster, &repository("k3s/overlays/edge-spinkube"))?;
    for object in &overlay {
        cluster.apply(&object.to_string())?;
    }
    if !has_operator {
        let made: Value = serde_json::from_slice(&fs::read(repository(FIXTURE))?)?;
        for object in made.as_array().context("a list")? {
            cluster.apply(&object.to_string())?;
        }
        return Ok(());
    }
    eventually("the operator makes a Deployment", || Ok(made(cluster).ok().map(drop)))
}

#[test]
fn a_spin_app_serves_and_rolls_without_a_loss() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        let has_operator = cluster.start_operator()?;
        make(cluster, has_operator)?;
        if has_operator {
            let made = serde_json::to_string_pretty(&made(cluster)?)? + "\n";
            let known = fs::read_to_string(repository(FIXTURE)).unwrap_or_default();
            fs::write(cluster.folder().join("made.json"), &made)?;
            ensure!(made == known, "{FIXTURE} is not what the operator makes now:\n{made}");
        }
        cluster.await_rollout("hedgeschool", NAMESPACE)?;
        cluster.await_pod(LABEL, NAMESPACE)?;
        let client = xapi(cluster, NAMESPACE)?;
        statement::post(&client, &statement::new_id())?;
        // Another name of the same image is another version as far as Kubernetes knows.
        import_app(cluster, &repository("spin.toml"), "localhost/hedgeschool:next")?;
        let mut storm = watched(|| {
            storm::through(&client, |load| {
                let gap = load.gap_during(|| roll(cluster, has_operator))?;
                println!("nothing was acknowledged for {gap:?} at most");
                Ok(())
            })
        })?;
        storm.retry(&client)?;
        let stored = statement::count(&client)?;
        ensure!(stored == storm.acknowledged.len() + 1, "{stored} statements are there");
        Ok(())
    })
}

fn roll(cluster: &Cluster, has_operator: bool) -> Result<()> {
    let image = "localhost/hedgeschool:next";
    if has_operator {
        let patch = json!({"spec": {"image": image}}).to_string();
        let words = ["patch", "spinapp", "hedgeschool", "-n", NAMESPACE, "--type=merge", "-p"];
        cluster.kubectl(&[&words[..], &[&patch]].concat())?;
    } else {
        let container = format!("hedgeschool={image}");
        let words = ["set", "image", "deployment/hedgeschool", &container, "-n", NAMESPACE];
        cluster.kubectl(&words)?;
    }
    eventually("the Deployment has the new image", || {
        let deployment = cluster.get("deployment", "hedgeschool", NAMESPACE)?;
        Ok(deployment.to_string().contains(image).then_some(()))
    })?;
    cluster.await_rollout("hedgeschool", NAMESPACE)?;
    cluster.await_pod(LABEL, NAMESPACE).map(drop)
}
