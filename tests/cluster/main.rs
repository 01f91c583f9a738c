//! The manifests under `k3s/`, on a real control plane: Kubernetes' own parts in place of K3s' one
//! program, kine and containerd as K3s has them, and this repository's shim.
//!
//! `cargo xtask test --cluster` runs them, one after another. Anything else leaves them out.

mod edge;
mod manifests;
mod outages;
mod policy;
mod spinkube;
mod ticker;
mod tree;
mod upgrade;
mod verifier;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, anyhow, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::containerd::{self, pack};
use hedgeschool_tests::{Client, Node, eventually, repository};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The oldest SQLite that the case study takes, as SQLite counts.
const SQLITE: i32 = 3_045_000;
/// Where the manifests put it.
const NAMESPACE: &str = "hedgeschool";
/// What its pods are called by.
const LABEL: &str = "app.kubernetes.io/name=hedgeschool";

/// Runs a test on a cluster with the app's image, if there can be one.
fn with_cluster(
    generation: Generation,
    test: impl FnOnce(&mut Cluster) -> Result<()>,
) -> Result<()> {
    let Some(mut cluster) = Cluster::start(generation)? else { return Ok(()) };
    println!("{}\nSQLite {}", cluster.versions()?, rusqlite::version());
    ensure!(rusqlite::version_number() >= SQLITE, "the case study asks for SQLite 3.45 or newer");
    import_app(&cluster, &repository("spin.toml"), &image_of("edge", &cluster)?)?;
    let outcome = test(&mut cluster);
    if outcome.is_err() {
        cluster.show();
    }
    outcome
}

/// Takes in the image of an app under a name.
fn import_app(cluster: &Cluster, manifest: &Path, reference: &str) -> Result<()> {
    static PACKED: Mutex<BTreeMap<String, (TempDir, PathBuf)>> = Mutex::new(BTreeMap::new());
    let mut packed = PACKED.lock().map_err(|_| anyhow!("another test panicked"))?;
    let key = format!("{reference} {}", manifest.display());
    if !packed.contains_key(&key) {
        // Where nobody takes it away between two tests.
        let folder = TempDir::new()?;
        let archive = pack(manifest, folder.path(), reference, &[])?;
        packed.insert(key.clone(), (folder, archive));
    }
    let (_, archive) = packed.get(&key).context("it was packed")?;
    cluster.import(archive)
}

/// The objects of a folder's kustomization, but for kinds that the cluster does not know.
fn objects(cluster: &Cluster, folder: &Path) -> Result<Vec<Value>> {
    let text = cluster.kubectl(&["kustomize", &folder.display().to_string()])?;
    let knows_spinkube = cluster.kubectl(&["get", "crd", "spinapps.core.spinkube.dev"]).is_ok();
    let is_known = |object: &&str| knows_spinkube || !object.contains("kind: SpinApp");
    let known: Vec<_> = text.split("\n---\n").filter(is_known).collect();
    let words = ["create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"];
    let (succeeded, said) = cluster.kubectl_with(&words, &known.join("\n---\n"))?;
    ensure!(succeeded, "{said}");
    let objects = serde_json::Deserializer::from_str(&said).into_iter();
    Ok(objects.collect::<Result<_, _>>()?)
}

/// Makes a folder with the edge's overlay and one of `k3s/components`.
fn with_component(cluster: &Cluster, name: &str) -> Result<PathBuf> {
    let folder = cluster.folder().join(format!("edge-with-{name}"));
    fs::create_dir(&folder)?;
    // Kustomize takes no absolute paths.
    let here = fs::canonicalize(&folder)?;
    let up = "../".repeat(here.components().count() - 1);
    let path = |part: &str| format!("{up}{}", repository(part).display());
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": [path("k3s/overlays/edge")],
        "components": [path(&format!("k3s/components/{name}"))],
    });
    fs::write(folder.join("kustomization.yaml"), kustomization.to_string())?;
    Ok(folder)
}

/// The image that an overlay's manifests name.
fn image_of(overlay: &str, cluster: &Cluster) -> Result<String> {
    let folder = repository("k3s/overlays").join(overlay);
    let manifests = cluster.kubectl(&["kustomize", &folder.display().to_string()])?;
    let mut words = manifests.split_whitespace();
    let found = words.find(|word| word.starts_with("localhost/hedgeschool:"));
    Ok(found.unwrap_or_default().to_owned())
}

/// What an operator makes where a node is to be, before anything is applied.
struct Place<'a> {
    namespace: &'a str,
    node: &'a str,
    /// The node above, and this one's token there.
    upstream: Option<(&'a str, &'a str)>,
    /// Nodes below and their tokens.
    below: &'a str,
}

impl Place<'_> {
    fn prepare(&self, cluster: &Cluster) -> Result<()> {
        let namespace = self.namespace;
        cluster.kubectl(&["create", "namespace", namespace])?;
        for claim in ["hedgeschool-state", "hedgeschool-backups"] {
            cluster.volume(claim, namespace)?;
        }
        let (upstream, token) = self.upstream.unwrap_or_default();
        let secret = [
            ("bootstrap_admin", Node::ADMIN),
            ("bootstrap_client", Node::CLIENT),
            ("bootstrap_nodes", self.below),
            ("upstream_token", token),
        ];
        self.create(cluster, &["secret", "generic", "hedgeschool"], &secret)?;
        let settings = [("node_id", self.node), ("upstream_url", upstream)];
        self.create(cluster, &["configmap", "hedgeschool-node"], &settings)
    }

    fn create(&self, cluster: &Cluster, what: &[&str], values: &[(&str, &str)]) -> Result<()> {
        let values: Vec<_> =
            values.iter().map(|(key, value)| format!("--from-literal={key}={value}")).collect();
        let mut words = vec!["create"];
        words.extend(what);
        words.extend(["-n", self.namespace]);
        words.extend(values.iter().map(String::as_str));
        cluster.kubectl(&words).map(drop)
    }
}

/// A city's node that has none above it.
const GALWAY: Place<'_> = Place { namespace: NAMESPACE, node: "galway", upstream: None, below: "" };

/// Makes a node of an overlay, and waits until it serves.
fn apply(cluster: &Cluster, overlay: &str) -> Result<()> {
    apply_folder(cluster, &repository("k3s/overlays").join(overlay))
}

/// The same of any folder.
fn apply_folder(cluster: &Cluster, folder: &Path) -> Result<()> {
    GALWAY.prepare(cluster)?;
    cluster.apply_folder(folder)?;
    cluster.await_rollout("hedgeschool", NAMESPACE)
}

/// Applies objects in another namespace than theirs.
fn apply_in(cluster: &Cluster, namespace: &str, objects: &[Value]) -> Result<()> {
    for object in objects {
        let mut object = object.clone();
        let own = object.pointer_mut("/metadata/namespace");
        if let Some(own) = own.filter(|own| *own == NAMESPACE) {
            *own = namespace.into();
        }
        if object.get("kind").is_some_and(|kind| kind == "Namespace") {
            *object.pointer_mut("/metadata/name").context("a namespace's name")? = namespace.into();
        }
        cluster.apply(&object.to_string())?;
    }
    Ok(())
}

/// Kills processes.
fn kill(pids: &[u32]) -> Result<()> {
    pids.iter().try_for_each(|pid| containerd::kill(*pid, Signal::KILL))
}

/// A client of the node behind a Service, once that answers: its rules come a moment later than a
/// pod is ready.
fn client(cluster: &Cluster, namespace: &str) -> Result<Client> {
    let client = Client::new(&cluster.service("hedgeschool", namespace)?);
    eventually("the Service answers", || Ok(client.get("/xapi/about").ok().map(drop)))?;
    Ok(client)
}

/// An xAPI client of it.
fn xapi(cluster: &Cluster, namespace: &str) -> Result<Client> {
    let client = client(cluster, namespace)?.with_basic(Node::CLIENT);
    Ok(client.with_header("x-experience-api-version", "1.0.3"))
}

/// Its administrator.
fn admin(cluster: &Cluster, namespace: &str) -> Result<Client> {
    Ok(client(cluster, namespace)?.with_basic(Node::ADMIN))
}

/// A pod's name.
fn name(pod: &Value) -> &str {
    pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
}
