//! The policies of `k3s/policy`: what is ours is admitted, and each mutation of it is refused, by
//! Gatekeeper and by the API server itself.

use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_policy::{Judge, Mutation};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::{eventually, repository};
use serde_json::{Value, json};

use crate::manifests::folders;
use crate::{GALWAY, NAMESPACE, objects, with_cluster, with_component};

/// The rule that only Gatekeeper has.
const RESOURCES: &str = "resources";
/// Kinds of SpinKube's, where its sources are not here.
const KINDS: [(&str, &str); 2] = [("SpinApp", "spinapps"), ("SpinAppExecutor", "spinappexecutors")];

/// An edge's namespace, where SpinKube's kinds are known.
fn prepare(cluster: &Cluster) -> Result<()> {
    GALWAY.prepare(cluster)?;
    cluster.kubectl(&["label", "namespace", NAMESPACE, "node-type=edge"])?;
    if cluster.apply_spinkube()? {
        return Ok(());
    }
    for (kind, plural) in KINDS {
        cluster.apply(&stand_in(kind, plural).to_string())?;
        let name = format!("crd/{plural}.core.spinkube.dev");
        cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", &name])?;
    }
    Ok(())
}

/// A kind that takes any fields.
fn stand_in(kind: &str, plural: &str) -> Value {
    let group = "core.spinkube.dev";
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

/// Every mutation with the object that it is of, changed.
fn mutations(cluster: &Cluster) -> Result<Vec<(Mutation, Value)>> {
    let mutate = |mutation: Mutation| {
        let objects = objects(cluster, &repository("k3s").join(&mutation.folder))?;
        let object = mutation.of(&objects).with_context(|| mutation.title())?;
        Ok((mutation, object))
    };
    Mutation::all()?.into_iter().map(mutate).collect()
}

/// Applies an object until it is refused, as rules come into force one by one, and answers how. An
/// object that is admitted meanwhile is only thought of.
fn refusal(cluster: &Cluster, title: &str, object: &Value) -> Result<String> {
    let words = ["apply", "-f", "-"];
    let thought = [&words[..], &["--dry-run=server"]].concat();
    eventually(&format!("{title} is refused"), || {
        let (is_admitted, _) = cluster.kubectl_with(&thought, &object.to_string())?;
        Ok((!is_admitted).then_some(()))
    })?;
    let (is_admitted, said) = cluster.kubectl_with(&words, &object.to_string())?;
    ensure!(!is_admitted, "{title} is admitted: {said}");
    Ok(said)
}

/// All that can be applied is admitted, and the edge really: so are the pods that are made of it.
fn admits_ours(cluster: &Cluster) -> Result<()> {
    let ticker = with_component(cluster, "ticker")?;
    for folder in folders()?.into_iter().chain([ticker]) {
        for object in objects(cluster, &folder)? {
            let words = ["apply", "--dry-run=server", "-f", "-"];
            let (is_admitted, said) = cluster.kubectl_with(&words, &object.to_string())?;
            ensure!(is_admitted, "{}: {said}", folder.display());
        }
    }
    cluster.apply_folder(&repository("k3s/overlays/edge"))?;
    cluster.await_rollout("hedgeschool", NAMESPACE)?;
    cluster.await_rollout("redis", NAMESPACE)
}

/// gator thinks as Gatekeeper does: of its own cases, and of what the overlays make.
fn asks_gator(cluster: &Cluster) -> Result<()> {
    let policy = repository("k3s/policy");
    let said = cluster.gator(&["verify", &policy.join("suite.yaml").display().to_string()])?;
    println!("{said}");
    let file = cluster.folder().join("all.yaml");
    let mut texts = Vec::new();
    for folder in [policy.join("base"), policy.join("enforce")].into_iter().chain(folders()?) {
        texts.push(cluster.kubectl(&["kustomize", &folder.display().to_string()])?);
    }
    fs::write(&file, texts.join("\n---\n"))?;
    cluster.gator(&["test", "--filename", &file.display().to_string()]).map(drop)
}

#[test]
fn gatekeeper_refuses_each_mutation_by_its_rule_alone() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        prepare(cluster)?;
        asks_gator(cluster)?;
        cluster.start_gatekeeper(NAMESPACE)?;
        cluster.apply_folder(&repository("k3s/policy/base"))?;
        let enforce = repository("k3s/policy/enforce");
        // A kind of constraint is there some time after its template.
        eventually("the constraints are taken", || Ok(cluster.apply_folder(&enforce).ok()))?;
        let judge = Judge::new(&repository("k3s/policy"))?;
        let rules: Vec<_> = judge.rules().collect();
        cluster.await_constraints(rules.len())?;
        for (mutation, object) in mutations(cluster)? {
            let said = refusal(cluster, &mutation.title(), &object)?;
            let wanted = format!("[{}] {}", mutation.rule, mutation.message);
            ensure!(said.contains(&wanted), "{}: {said}", mutation.title());
            let others = rules.iter().filter(|rule| **rule != mutation.rule);
            for other in others {
                ensure!(!said.contains(&format!("[{other}]")), "{}: {said}", mutation.title());
            }
        }
        admits_ours(cluster)
    })
}

#[test]
fn the_api_server_refuses_each_mutation_by_itself() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        prepare(cluster)?;
        cluster.apply_folder(&repository("k3s/policy/admission/enforce"))?;
        for (mutation, object) in mutations(cluster)? {
            if mutation.rule == RESOURCES {
                continue;
            }
            let said = refusal(cluster, &mutation.title(), &object)?;
            let rule = format!("'hedgeschool-{}'", mutation.rule);
            let is_ours = said.contains(&rule) && said.contains(&mutation.message);
            ensure!(is_ours, "{}: {said}", mutation.title());
        }
        admits_ours(cluster)
    })
}

#[test]
fn audits_refuse_nothing() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        prepare(cluster)?;
        cluster.apply_folder(&repository("k3s/policy/admission/audit"))?;
        let (mutation, object) = mutations(cluster)?.swap_remove(0);
        eventually("the API server warns", || {
            let words = ["apply", "--dry-run=server", "-f", "-"];
            let (is_admitted, said) = cluster.kubectl_with(&words, &object.to_string())?;
            ensure!(is_admitted, "{said}");
            Ok((said.contains("Warning") && said.contains(&mutation.message)).then_some(()))
        })
    })
}
