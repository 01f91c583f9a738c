//! Every manifest is what the API server takes it for: no field is unknown to it, and a mistyped
//! one would be refused.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::repository;
use serde_json::Value;

use crate::{NAMESPACE, objects, with_cluster, with_component};

/// Fields whose keys are anybody's.
const FREE: [&str; 8] = [
    "annotations",
    "data",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "podLabels",
    "requests",
];
/// Typos of one kind that are sent at a time.
const BATCH: usize = 100;

/// The folders of `k3s/` that can be applied.
pub fn folders() -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(repository("k3s/overlays"))?.flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    let others = ["fleet", "monitoring/edge", "monitoring/region", "wasmedge"];
    folders.extend(others.map(|folder| repository("k3s").join(folder)));
    folders.sort();
    Ok(folders)
}

/// The manifest once for each of its fields, with a letter too many in that one's name.
fn typos(manifest: &Value) -> Vec<Value> {
    let mut places = Vec::new();
    collect(manifest, String::new(), &mut places);
    // The labels that a Service selects by lie there bare.
    if manifest.get("kind").is_some_and(|kind| kind == "Service") {
        places.retain(|(place, _)| place != "/spec/selector");
    }
    let mistyped = |(place, key): (String, String)| {
        let mut manifest = manifest.clone();
        let object = manifest.pointer_mut(&place)?.as_object_mut()?;
        let value = object.remove(&key)?;
        object.insert(format!("{key}s"), value);
        Some(manifest)
    };
    places.into_iter().filter_map(mistyped).collect()
}

/// The objects of a manifest and their keys, but for those that anybody may choose, and those by
/// which `kubectl` knows what it has before it.
fn collect(value: &Value, place: String, places: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let is_name = place == "/metadata" && ["name", "namespace"].contains(&key.as_str());
                if !is_name && !["apiVersion", "kind"].contains(&key.as_str()) {
                    places.push((place.clone(), key.clone()));
                }
                if !FREE.contains(&key.as_str()) && !value.is_string() {
                    collect(value, format!("{place}/{key}"), places);
                }
            }
        }
        Value::Array(values) => {
            for (number, value) in values.iter().enumerate() {
                collect(value, format!("{place}/{number}"), places);
            }
        }
        _ => {}
    }
}

/// Asks the API server what it thinks of manifests, and answers what it said.
fn judge(cluster: &Cluster, manifests: &[Value]) -> Result<(bool, String)> {
    let texts: Vec<_> = manifests.iter().map(Value::to_string).collect();
    let words = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
    cluster.kubectl_with(&words, &texts.join("\n---\n"))
}

#[test]
fn manifests_are_valid_and_typos_are_refused() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        // Nothing is made in a namespace that is only thought of.
        cluster.kubectl(&["create", "namespace", NAMESPACE])?;
        let has_spinkube = cluster.apply_spinkube()?;
        let mut manifests: Vec<Value> = Vec::new();
        let with_ticker = with_component(cluster, "ticker")?;
        for folder in folders()?.into_iter().chain([with_ticker]) {
            if !has_spinkube && folder.to_string_lossy().ends_with("spinkube") {
                eprintln!("left out: {} wants SpinKube's sources", folder.display());
                continue;
            }
            let objects = objects(cluster, &folder)?;
            let (succeeded, said) = judge(cluster, &objects)?;
            ensure!(succeeded, "{}: {said}", folder.display());
            for object in objects {
                if !manifests.contains(&object) {
                    manifests.push(object);
                }
            }
        }
        let typos: Vec<_> = manifests.iter().flat_map(typos).collect();
        println!("{} objects, {} typos", manifests.len(), typos.len());
        for batch in typos.chunks(BATCH) {
            let (_, said) = judge(cluster, batch)?;
            let taken: Vec<_> =
                said.lines().filter(|line| line.contains("(server dry run)")).collect();
            ensure!(taken.is_empty(), "taken with a typo: {taken:?}");
            let refused = said.matches("rror").count();
            ensure!(refused >= batch.len(), "{refused} of {} are refused: {said}", batch.len());
        }
        Ok(())
    })
}

#[test]
fn manifests_keep_what_they_promise() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        let edge = objects(cluster, &repository("k3s/overlays/edge"))?;
        for object in &edge {
            let text = object.to_string();
            let kind = object.get("kind").and_then(Value::as_str).context("a kind")?;
            ensure!(kind != "Secret", "a secret is in the repository");
            ensure!(!text.contains(":latest"), "{kind} is of whatever version there is");
        }
        let checks = objects(cluster, &repository("k3s/wasmedge"))?;
        let named = [("hedgeschool", edge, 2), ("hedge-verify", checks, 1)];
        for (name, objects, wanted) in named {
            let image = format!("localhost/{name}:{}", version()?);
            let uses = objects.iter().filter(|object| object.to_string().contains(&image)).count();
            ensure!(uses == wanted, "{uses} objects name {image}: which version do they want?");
        }
        Ok(())
    })
}

/// The version that this is.
fn version() -> Result<String> {
    let manifest: toml::Table = fs::read_to_string(repository("spin.toml"))?.parse()?;
    let application = manifest.get("application").context("no application")?;
    let version = application.get("version").and_then(toml::Value::as_str);
    Ok(version.context("a version")?.to_owned())
}
