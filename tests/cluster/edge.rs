//! A city's box: `kubectl apply -k k3s/overlays/edge`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{self, Cluster, Generation, Part};
use hedgeschool_tests::storm::{self, Persistent};
use hedgeschool_tests::{course, eventually, statement};
use http::Method;
use serde_json::Value;

use crate::watch::{watched, writers};
use crate::{LABEL, NAMESPACE, admin, apply, kill, name, with_cluster, xapi};

#[test]
fn the_edge_serves_and_records() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        apply(cluster, "edge")?;
        let pod = cluster.await_pod(LABEL, NAMESPACE)?;
        ensure!(pod["spec"]["runtimeClassName"] == "hedge", "{pod}");
        let (admin, xapi) = (admin(cluster, NAMESPACE)?, xapi(cluster, NAMESPACE)?);
        let package = course::package("https://example.org/course", "A course")?;
        let zip = Some(("application/zip", package.as_slice()));
        admin.send(Method::POST, course::COURSES, zip)?.expect(201)?;
        let id = statement::new_id();
        statement::post(&xapi, &id)?;
        statement::read(&xapi, &id)?;
        cluster.await_rollout("redis", NAMESPACE)?;
        is_confined()?;
        is_well(cluster)?;
        back_up(cluster)?;
        let log = cluster.kubectl(&["logs", name(&pod), "-n", NAMESPACE])?;
        ensure!(!log.contains("compil"), "the image's code is not this machine's: {log}");
        Ok(())
    })
}

/// The serving process has nothing that it does not need.
fn is_confined() -> Result<()> {
    let pid = writers()?.into_iter().next().context("nobody serves")?;
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let wanted = [
        ("Uid", "65532"),
        ("CapEff", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("NoNewPrivs", "1"),
        // A filter of system calls.
        ("Seccomp", "2"),
    ];
    for (name, value) in wanted {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        let found = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
        ensure!(found == value, "{name} is {found}");
    }
    let root = Path::new("/proc").join(pid.to_string()).join("root/probe");
    ensure!(fs::write(&root, "").is_err(), "its files can be written to");
    Ok(())
}

/// `hedge doctor` beside it, as docs/doctor.md has it, finds nothing wrong.
fn is_well(cluster: &Cluster) -> Result<()> {
    let doctor = ["/.hedge/hedge", "doctor", "-f", "/spin.toml", "--json"];
    let flags = ["--runtime-config-file", "/runtime-config.toml", "--listen", "0.0.0.0:8080"];
    let exec = ["exec", "-n", NAMESPACE, "deploy/hedgeschool", "--"];
    let (_, said) = cluster.kubectl_with(&[&exec[..], &doctor, &flags].concat(), "")?;
    let report: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let is = |name: &str| report.get(name).and_then(Value::as_bool);
    ensure!(is("is_running") == Some(true) && is("is_healthy") == Some(true), "{said}");
    Ok(())
}

/// The night's backup, by day.
fn back_up(cluster: &Cluster) -> Result<()> {
    let job = ["create", "job", "--from=cronjob/hedgeschool-backup", "now", "-n", NAMESPACE];
    cluster.kubectl(&job)?;
    let wait = ["wait", "--for=condition=complete", "--timeout=60s", "job/now", "-n", NAMESPACE];
    cluster.kubectl(&wait)?;
    let backups = cluster.volume_folder("hedgeschool-backups", NAMESPACE);
    ensure!(backups.join("latest/manifest.json").is_file(), "there is no backup");
    Ok(())
}

/// Waits until another pod than this one is the only one, and ready.
fn await_other(cluster: &Cluster, pod: &str) -> Result<()> {
    eventually("another pod is ready", || {
        let now = cluster.await_pod(LABEL, NAMESPACE)?;
        Ok((name(&now) != pod).then_some(()))
    })
}

/// Waits until the pod's container has been started so many times more, and is ready.
fn await_starts(cluster: &Cluster, more: u64) -> Result<()> {
    eventually(&format!("the container is started {more} times more"), || {
        let pod = cluster.await_pod(LABEL, NAMESPACE)?;
        let starts = pod.pointer("/status/containerStatuses/0/restartCount");
        Ok((starts.and_then(Value::as_u64) == Some(more)).then_some(()))
    })
}

/// What an operator and bad luck do to a node, each with how long nothing was acknowledged.
fn faults(cluster: &mut Cluster, load: &Persistent) -> Result<()> {
    let pod = cluster.await_pod(LABEL, NAMESPACE)?;
    let gap = load.gap_during(|| {
        cluster.kubectl(&["delete", "pod", name(&pod), "-n", NAMESPACE])?;
        await_other(cluster, name(&pod))
    })?;
    println!("pod deleted: {gap:?}");
    let workloads = writers()?.into_iter().collect::<Vec<_>>();
    ensure!(workloads.len() == 1, "{workloads:?}");
    println!("workload killed: {:?}", load.gap_during(|| kill(&workloads))?);
    let daemons = cluster::daemons()?;
    let gap = load.gap_during(|| {
        kill(&daemons)?;
        await_starts(cluster, 2)
    })?;
    println!("daemons killed: {gap:?}");
    for part in [Part::Containerd, Part::Kubelet] {
        let gap = load.gap_during(|| cluster.restart_part(part))?;
        println!("{part:?} killed and started anew: {gap:?}");
    }
    cluster.await_pod(LABEL, NAMESPACE).map(drop)
}

fn survives(generation: Generation) -> Result<()> {
    with_cluster(generation, |cluster| {
        apply(cluster, "edge")?;
        let client = xapi(cluster, NAMESPACE)?;
        let mut storm = watched(|| storm::through(&client, |load| faults(cluster, load)))?;
        storm.retry(&client)?;
        let stored = statement::all_ids(&client)?.into_iter().collect();
        storm.check(&stored)
    })
}

#[test]
fn nothing_is_lost_whatever_fails_on_containerd_1() -> Result<()> {
    survives(Generation::One)
}

#[test]
fn nothing_is_lost_whatever_fails_on_containerd_2() -> Result<()> {
    survives(Generation::Two)
}
