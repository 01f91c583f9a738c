//! Without power, without the API server, without anybody else.

use std::fs;

use anyhow::{Result, ensure};
use hedgeschool_tests::cluster::{Generation, Part};
use hedgeschool_tests::{Client, Node, eventually, statement, storm};
use serde_json::json;

use crate::{LABEL, NAMESPACE, apply, image_of, with_cluster, xapi};

#[test]
fn a_box_without_power_and_network_comes_back_by_itself() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        apply(cluster, "edge")?;
        let client = xapi(cluster, NAMESPACE)?;
        let mut storm = storm::through(&client, |load| load.await_more(200))?;
        cluster.cut_power()?;
        cluster.start_parts()?;
        cluster.await_pod(LABEL, NAMESPACE)?;
        eventually("it answers", || Ok(client.get("/xapi/about").ok().map(drop)))?;
        storm.retry(&client)?;
        storm.check(&statement::all_ids(&client)?.into_iter().collect())
    })
}

#[test]
fn a_box_serves_while_the_api_server_is_gone() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        apply(cluster, "edge")?;
        let client = xapi(cluster, NAMESPACE)?;
        let others = [Part::Api, Part::Datastore, Part::Controllers, Part::Scheduler];
        others.iter().try_for_each(|part| cluster.kill_part(*part))?;
        let mut storm = storm::through(&client, |load| {
            load.await_more(200)?;
            // The kubelet goes on alone: it starts again what ends.
            let workloads: Vec<_> = crate::watch::writers()?.into_iter().collect();
            ensure!(workloads.len() == 1, "{workloads:?}");
            load.gap_during(|| crate::kill(&workloads)).map(drop)
        })?;
        storm.retry(&client)?;
        storm.check(&statement::all_ids(&client)?.into_iter().collect())
    })
}

#[test]
fn a_static_pod_needs_no_api_server_at_all() -> Result<()> {
    with_cluster(Generation::Two, |cluster| {
        let image = image_of("edge", cluster)?;
        for part in [Part::Kubelet, Part::Api, Part::Datastore, Part::Controllers, Part::Scheduler]
        {
            cluster.kill_part(part)?;
        }
        // A runtime class is looked up at the API server: a static pod goes without.
        cluster.default_to_shim()?;
        let state = cluster.folder().join("state");
        fs::create_dir(&state)?;
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&state, open)?;
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "hedgeschool", "namespace": "default"},
            "spec": {
                "hostNetwork": true,
                "containers": [{
                    "name": "hedgeschool",
                    "image": image,
                    "imagePullPolicy": "Never",
                    "env": [
                        {"name": "SPIN_HTTP_LISTEN_ADDR", "value": "127.0.0.1:8080"},
                        {"name": "BOOTSTRAP_CLIENT", "value": Node::CLIENT},
                    ],
                    "volumeMounts": [{"name": "state", "mountPath": "/.spin"}],
                }],
                "volumes": [{"name": "state", "hostPath": {"path": state}}],
            },
        });
        fs::write(cluster.folder().join("static/hedgeschool.json"), pod.to_string())?;
        cluster.start_part(Part::Kubelet)?;
        let client = Client::new("http://127.0.0.1:8080");
        eventually("it answers", || {
            // Kubelets of version 1.34 sometimes end by an error of their own when nobody answers.
            cluster.keep(Part::Kubelet)?;
            Ok(client.get("/xapi/about").ok().map(drop))
        })?;
        let client = client.with_basic(Node::CLIENT);
        let client = client.with_header("x-experience-api-version", "1.0.3");
        statement::post(&client, &statement::new_id())
    })
}
