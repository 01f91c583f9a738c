//! The policies admit what is ours, and of what is changed in it each refuses what it is there for.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use hedgeschool_policy::{Judge, Mutation, pods, repository, sources};
use serde_json::{Value, json};

/// What SpinKube's operator makes of our SpinApp.
const MADE: &str = "tests/fixtures/spinkube/made.json";

fn judge() -> Result<Judge> {
    Judge::new(&repository("k3s/policy"))
}

/// All objects of ours, and the pods of each.
fn all() -> Result<Vec<Value>> {
    let made: Value = serde_json::from_slice(&fs::read(repository(MADE))?)?;
    let made = made.as_array().context("no list")?.clone();
    let objects: Vec<_> = sources()?.into_iter().chain(made).collect();
    let pods: Vec<_> = objects.iter().flat_map(pods).collect();
    ensure!(pods.len() >= 10, "{} pods", pods.len());
    Ok(objects.into_iter().chain(pods).collect())
}

#[test]
fn our_manifests_are_admitted() -> Result<()> {
    let mut judge = judge()?;
    for object in all()? {
        let refusals = judge.refusals(&object)?;
        ensure!(refusals.is_empty(), "{refusals:?} of {object}");
    }
    Ok(())
}

#[test]
fn each_mutation_is_refused_by_its_rule_alone() -> Result<()> {
    let (mut judge, objects) = (judge()?, sources()?);
    for mutation in Mutation::all()? {
        let title = mutation.title();
        let object = mutation.of(&objects).with_context(|| title.clone())?;
        let refusals = judge.refusals(&object)?;
        let [refusal] = refusals.as_slice() else { anyhow::bail!("{title}: {refusals:?}") };
        ensure!(refusal.rule == mutation.rule, "{title}: {refusal:?}");
        ensure!(refusal.message.starts_with(&mutation.message), "{title}: {refusal:?}");
    }
    Ok(())
}

#[test]
fn each_rule_has_a_mutation() -> Result<()> {
    let mutations = Mutation::all()?;
    let has: BTreeSet<_> = mutations.iter().map(|mutation| mutation.rule.as_str()).collect();
    let judge = judge()?;
    ensure!(judge.rules().collect::<BTreeSet<_>>() == has, "{has:?}");
    Ok(())
}

/// A pod of ours with something changed, and what is said of it.
fn of_pod(name: &str, change: impl FnOnce(&mut Value)) -> Result<Vec<String>> {
    let objects = sources()?;
    let is_it = |it: &&Value| {
        it["kind"] == "Deployment" && it.pointer("/metadata/name").is_some_and(|it| it == name)
    };
    let mut pod = objects.iter().find(is_it).map(pods).context("none")?.remove(0);
    change(&mut pod);
    let refusals = judge()?.refusals(&pod)?;
    Ok(refusals.into_iter().map(|it| format!("{}: {}", it.rule, it.message)).collect())
}

#[test]
fn a_pod_whose_class_does_not_place_it_is_refused() -> Result<()> {
    let said = of_pod("hedgeschool", |pod| pod["spec"]["nodeSelector"] = json!({}))?;
    let wanted = "placement: the pod may run anywhere: put nodeSelector node-type: edge into \
                  RuntimeClass hedge";
    ensure!(said == [wanted], "{said:?}");
    Ok(())
}

#[test]
fn a_pod_cannot_pass_for_something_else() -> Result<()> {
    // Of Redis, with a port, under the name of what has none.
    let said = of_pod("redis", |pod| {
        let container = &mut pod["spec"]["containers"][0];
        container["name"] = json!("ticker");
        container.as_object_mut().expect("a container").remove("readinessProbe");
    })?;
    ensure!(said == ["probes: container ticker: add a readinessProbe"], "{said:?}");
    // What the shim takes capabilities from is of its class and runs no program of the image.
    let said = of_pod("redis", |pod| {
        pod["spec"]["containers"][0]["command"] = json!(["/"]);
        pod["spec"]["containers"][0]["securityContext"] = json!({});
    })?;
    let wanted = "capabilities: container redis: set securityContext.capabilities.drop to [ALL]";
    ensure!(said == [wanted], "{said:?}");
    Ok(())
}

#[test]
fn what_is_beside_a_pods_containers_is_looked_at_too() -> Result<()> {
    let said = of_pod("hedgeschool", |pod| {
        let debugger = json!({"name": "debugger", "image": "docker.io/library/busybox:latest"});
        pod["spec"]["ephemeralContainers"] = json!([debugger]);
        let weights = json!({"name": "weights", "image": {"reference": "quay.io/some/weights"}});
        pod["spec"]["volumes"] = json!([weights]);
    })?;
    let rules: Vec<_> = said.iter().filter_map(|it| it.split(": ").next()).collect();
    ensure!(rules.len() == 4, "{said:?}");
    for rule in ["capabilities", "digests", "registries"] {
        ensure!(rules.contains(&rule), "{rule} says nothing: {said:?}");
    }
    Ok(())
}

#[test]
fn amounts_are_compared_whatever_their_unit() -> Result<()> {
    let amounts = [
        ("cpu", json!(3), true),
        ("cpu", json!("3001m"), false),
        ("cpu", json!("2999m"), true),
        ("memory", json!("4096Mi"), true),
        ("memory", json!("5G"), false),
        ("memory", json!("4294967297"), false),
        ("memory", json!("plenty"), false),
    ];
    for (of, amount, is_admitted) in amounts {
        let said = of_pod("hedgeschool", |pod| {
            pod["spec"]["containers"][0]["resources"]["limits"][of] = amount.clone();
        })?;
        ensure!(said.is_empty() == is_admitted, "{of} {amount}: {said:?}");
    }
    Ok(())
}
