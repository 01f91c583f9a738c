//! An edge and a hub, and the link between them.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::{eventually, repository, statement};
use serde_json::Value;

use crate::{LABEL, NAMESPACE, Place, apply_in, objects, with_cluster, xapi};

/// Where the hub is.
const REGION: &str = "region";
/// The edge's token at the hub.
const TOKEN: &str = "a-token-of-the-edge-at-the-hub";

/// A pod's address.
fn address(cluster: &Cluster, namespace: &str) -> Result<String> {
    let pod = cluster.await_pod(LABEL, namespace)?;
    let address = pod.pointer("/status/podIP").and_then(Value::as_str);
    Ok(address.context("a pod without an address")?.to_owned())
}

fn nft(arguments: &[&str]) -> Result<()> {
    let status = Command::new("nft").args(arguments).status().context("starting nft")?;
    ensure!(status.success(), "nft {arguments:?}: {status}");
    Ok(())
}

/// Lets nothing pass between two addresses, until it is dropped.
struct Cut;

impl Cut {
    fn between(one: &str, other: &str) -> Result<Self> {
        nft(&["add", "table", "ip", "cut"])?;
        let cut = Self;
        let hook = "{ type filter hook forward priority 0; }";
        nft(&["add", "chain", "ip", "cut", "forward", hook])?;
        for (from, to) in [(one, other), (other, one)] {
            let rule = ["add", "rule", "ip", "cut", "forward", "ip", "saddr", from];
            nft(&[&rule[..], &["ip", "daddr", to, "drop"]].concat())?;
        }
        Ok(cut)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        let _ = nft(&["delete", "table", "ip", "cut"]);
    }
}

#[test]
fn an_edge_goes_on_without_its_hub_and_catches_up() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        let below = format!("galway:{TOKEN}");
        let hub = Place { namespace: REGION, node: "connacht", upstream: None, below: &below };
        hub.prepare(cluster)?;
        apply_in(cluster, REGION, &objects(cluster, &repository("k3s/overlays/regional"))?)?;
        let above = "http://hedgeschool.region.svc.cluster.local:8080";
        let upstream = Some((above, TOKEN));
        Place { namespace: NAMESPACE, node: "galway", upstream, below: "" }.prepare(cluster)?;
        cluster.apply_folder(&repository("k3s/overlays/edge"))?;
        cluster.await_rollout("hedgeschool", REGION)?;
        cluster.await_rollout("hedgeschool", NAMESPACE)?;
        let (edge, hub) = (xapi(cluster, NAMESPACE)?, xapi(cluster, REGION)?);
        let arrives = |id: &str| {
            let what = format!("statement {id} is at the hub");
            eventually(&what, || Ok(statement::read(&hub, id).ok().map(drop)))
        };
        let first = statement::new_id();
        statement::post(&edge, &first)?;
        arrives(&first)?;
        let cut = Cut::between(&address(cluster, NAMESPACE)?, &address(cluster, REGION)?)?;
        let second = statement::new_id();
        statement::post(&edge, &second)?;
        // A cut link is no reason to send learners away.
        let pod = cluster.await_pod(LABEL, NAMESPACE)?;
        ensure!(statement::read(&hub, &second).is_err(), "the link is not cut");
        drop(cut);
        arrives(&second)?;
        let ready = cluster.await_pod(LABEL, NAMESPACE)?;
        ensure!(
            pod.pointer("/status/containerStatuses") == ready.pointer("/status/containerStatuses"),
            "it was started anew"
        );
        Ok(())
    })
}
