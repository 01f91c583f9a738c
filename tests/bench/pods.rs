//! The app in pods of one core and 1 GiB: by the shim, and by runc with the same host, in turns.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::cluster::{Cluster, Generation};
use hedgeschool_tests::containerd::pack;
use hedgeschool_tests::{Client, Node, eventually, repository};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::meter::Meter;
use crate::report::{Times, milliseconds};
use crate::target::{SMALL, Target};
use crate::traffic::Traffic;

/// What the app's image is called.
const IMAGE: &str = "localhost/hedge-bench:1";
/// Requests a second: 200,000 over 300 nodes, and more than twice that.
const RATES: [u32; 2] = [667, 1_500];
/// Connections that they come over.
const CONNECTIONS: u32 = 32;
/// Of a hundred requests: course files, statements, pages.
const PROFILE: [u32; 3] = [80, 15, 5];
/// Statements before learners begin anew.
const COHORT: u64 = 100_000;
/// Pods on a box.
const BOX: usize = 10;

/// A pod, by its name, which says what runs it.
struct Pod<'a> {
    cluster: &'a Cluster,
    name: String,
    target: Target,
}

/// Measures both at each rate, so many runs each in turns; then a box full of pods. No rates: those
/// that matter.
pub fn measure(run: Duration, runs: u32, rates: &[u32]) -> Result<()> {
    let cluster = Cluster::start(Generation::Two)?.context("`cargo xtask bench --only pods`")?;
    println!("{}\n", cluster.versions()?);
    let image = TempDir::new()?;
    cluster.import(&pack(&repository("spin.toml"), image.path(), IMAGE, &[])?)?;
    cluster.apply(&fs::read_to_string(repository("k3s/base/runtime-class.yaml"))?)?;
    let meter = Meter::new(run, 1)?;
    let pods = [Pod::start(&cluster, "shim", true)?, Pod::start(&cluster, "runc", false)?];
    println!("{runs} runs of {run:?} each, in turns; 80 % files, 15 % statements, 5 % pages\n");
    println!("| requests/s | by | P50 | P99 | P999 | of its core | memory |");
    println!("|--:|---|--:|--:|--:|--:|--:|");
    let rates = if rates.is_empty() { &RATES[..] } else { rates };
    for &rate in rates {
        let mut seen = [Seen::default(), Seen::default()];
        for number in 0..usize::try_from(runs)? {
            // Neither is always the first.
            for turn in 0..pods.len() {
                let index = (number + turn) % pods.len();
                if let (Some(pod), Some(seen)) = (pods.get(index), seen.get_mut(index)) {
                    pod.run(&meter, rate.into(), seen)?;
                }
            }
        }
        for (pod, seen) in pods.iter().zip(seen) {
            let [median, tail, last] =
                [0.5, 0.99, 0.999].map(|share| milliseconds(seen.times.percentile(share)));
            let busy = seen.worked.as_secs_f64() / seen.took.as_secs_f64() * 100.0;
            let memory = seen.memory_max >> 20;
            let name = &pod.name;
            println!(
                "| {rate} | {name} | {median} | {tail} | {last} | {busy:.0} % | {memory} MB |"
            );
        }
    }
    for pod in pods {
        cluster.kubectl(&["delete", "pod", &pod.name, "--now"])?;
    }
    println!(
        "\n| {BOX} pods on one box, idle | memory of each | from `apply` to the first answer |"
    );
    println!("|---|--:|--:|");
    crowd(&cluster, "shim", true)?;
    crowd(&cluster, "runc", false)
}

/// What was seen of a pod at a rate.
#[derive(Default)]
struct Seen {
    times: Times,
    worked: Duration,
    took: Duration,
    memory_max: u64,
}

impl<'a> Pod<'a> {
    /// Makes a pod and waits until it answers.
    fn start(cluster: &'a Cluster, name: &str, is_of_shim: bool) -> Result<Self> {
        let state = cluster.folder().join("volumes").join(name);
        fs::create_dir_all(&state)?;
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        fs::set_permissions(&state, open)?;
        let manifest = manifest(name, &state, is_of_shim).to_string();
        // The API server learns of a new runtime class a moment after it has been made.
        eventually("the pod is taken", || Ok(cluster.apply(&manifest).ok()))?;
        let address = eventually("the pod has an address", || {
            let pod = cluster.get("pod", name, "default")?;
            let address = pod.pointer("/status/podIP").and_then(Value::as_str);
            Ok(address.map(|address| format!("{address}:8080")))
        })?;
        let client = Client::new(&format!("http://{address}"));
        eventually("it answers", || Ok(client.get("/xapi/about").ok().map(drop)))?;
        let target = Target::at_address(address.parse::<SocketAddr>()?);
        let admin = client.clone().with_basic(Node::ADMIN);
        let cookie = client.sign_in(Node::ADMIN)?;
        let parts = [
            target.import_file_as(&admin, SMALL)?,
            target.post(Traffic { size: COHORT }, 1)?,
            target.page(&cookie)?,
        ];
        let target = target.mixed(PROFILE.into_iter().zip(parts).collect());
        Ok(Self { cluster, name: name.to_owned(), target })
    }

    fn run(&self, meter: &Meter, rate: f64, seen: &mut Seen) -> Result<()> {
        let (before, start) = (self.number("cpuacct", "cpuacct.usage")?, Instant::now());
        seen.times.add(meter.paced(CONNECTIONS, rate, &self.target)?);
        let worked = self.number("cpuacct", "cpuacct.usage")?.saturating_sub(before);
        seen.worked += Duration::from_nanos(worked);
        seen.took += start.elapsed();
        let statistics = fs::read_to_string(self.group("memory")?.join("memory.stat"))?;
        let resident = ["total_rss ", "total_mapped_file "].map(|name| {
            let line = statistics.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|bytes| bytes.parse::<u64>().ok()).unwrap_or_default()
        });
        seen.memory_max = seen.memory_max.max(resident.iter().sum());
        Ok(())
    }

    /// A number that the system keeps for the pod (cgroups, version 1).
    fn number(&self, controller: &str, file: &str) -> Result<u64> {
        let text = fs::read_to_string(self.group(controller)?.join(file))?;
        Ok(text.trim().parse()?)
    }

    fn group(&self, controller: &str) -> Result<PathBuf> {
        let pod = self.cluster.get("pod", &self.name, "default")?;
        let uid = pod.pointer("/metadata/uid").and_then(Value::as_str).context("no uid")?;
        let root = Path::new("/sys/fs/cgroup").join(controller).join("kubepods");
        Ok(root.join("burstable").join(format!("pod{uid}")))
    }
}

/// The pod of `k3s/components/hedge`, with a folder for a volume; or the same without the shim.
fn manifest(name: &str, state: &Path, is_of_shim: bool) -> Value {
    let shim = repository("target/shim/containerd-shim-hedge-v1");
    let command = json!(["/.hedge/hedge", "serve", "/spin.toml"]);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "enableServiceLinks": false,
            "automountServiceAccountToken": false,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "hedgeschool",
                "image": IMAGE,
                "imagePullPolicy": "Never",
                "env": [
                    {"name": "SPIN_HTTP_LISTEN_ADDR", "value": "0.0.0.0:8080"},
                    {"name": "BOOTSTRAP_ADMIN", "value": Node::ADMIN},
                    {"name": "BOOTSTRAP_CLIENT", "value": Node::CLIENT},
                ],
                "resources": {
                    "requests": {"cpu": "20m", "memory": "32Mi"},
                    "limits": {"cpu": "1000m", "memory": "1Gi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "state", "mountPath": "/.spin"}],
            }],
            "volumes": [{"name": "state", "hostPath": {"path": state}}],
        },
    });
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return pod };
    if is_of_shim {
        spec.insert("runtimeClassName".to_owned(), json!("hedge"));
        return pod;
    }
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.push(json!({"name": "host", "hostPath": {"path": shim, "type": "File"}}));
    }
    if let Some(container) = pod.pointer_mut("/spec/containers/0").and_then(Value::as_object_mut) {
        container.insert("command".to_owned(), command);
        let mounts = container.get_mut("volumeMounts").and_then(Value::as_array_mut);
        let mount = json!({"name": "host", "mountPath": "/.hedge/hedge", "readOnly": true});
        mounts.into_iter().for_each(|mounts| mounts.push(mount.clone()));
    }
    pod
}

/// Ten pods beside each other.
fn crowd(cluster: &Cluster, kind: &str, is_of_shim: bool) -> Result<()> {
    let (mut pods, mut starts) = (Vec::new(), Vec::new());
    for number in 0..BOX {
        let start = Instant::now();
        pods.push(Pod::start(cluster, &format!("{kind}-{number}"), is_of_shim)?);
        starts.push(start.elapsed());
    }
    let mut memory = 0;
    for pod in &pods {
        memory += pod.number("memory", "memory.usage_in_bytes")?;
    }
    ensure!(!pods.is_empty(), "no pods");
    let each = (memory / u64::try_from(pods.len())?) >> 20;
    let starts = Times::new(starts);
    let [median, worst] = [0.5, 1.0].map(|share| milliseconds(starts.percentile(share)));
    println!("| by {kind} | {each} MB | {median}, at worst {worst} |");
    for pod in pods {
        cluster.kubectl(&["delete", "pod", &pod.name, "--now"])?;
    }
    Ok(())
}
