//! The files that the parts of a cluster are told by.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Result;
use serde_json::json;

use super::{ADDRESS, Cluster, Generation, NODE, run};

/// Who may do anything.
const ADMIN_TOKEN: &str = "admin-token";
/// The kubelet.
const NODE_TOKEN: &str = "node-token";
/// The image of what holds a pod's network.
pub(super) const PAUSE: &str = "localhost/pause:1";

pub(super) fn write(cluster: &Cluster) -> Result<()> {
    cluster.prepare_programs()?;
    for folder in ["cni-conf", "logs", "static", "volumes"] {
        fs::create_dir_all(cluster.path(folder))?;
    }
    let key = cluster.path("key.pem").display().to_string();
    run("openssl", &["genrsa", "-out", &key, "2048"])?;
    let tokens = format!(
        "{ADMIN_TOKEN},admin,admin,system:masters\n\
         {NODE_TOKEN},system:node:{NODE},node,system:nodes\n"
    );
    fs::write(cluster.path("tokens.csv"), tokens)?;
    kubeconfig(&cluster.path("admin.kubeconfig"), ADMIN_TOKEN)?;
    kubeconfig(&cluster.path("kubelet.kubeconfig"), NODE_TOKEN)?;
    fs::write(cluster.path("kubelet.yaml"), kubelet(cluster).to_string())?;
    fs::write(cluster.path("Corefile"), corefile(cluster))?;
    fs::write(cluster.path("cni-conf/pods.conflist"), network(cluster).to_string())?;
    containerd(cluster, "runc")
}

/// Writes containerd's settings; `default` runs the pods that name no runtime class.
pub(super) fn containerd(cluster: &Cluster, default: &str) -> Result<()> {
    let pause = format!("sandbox_image = {PAUSE:?}");
    let images =
        format!("[plugins.\"io.containerd.cri.v1.images\".pinned_images]\nsandbox = {PAUSE:?}");
    let folder = "/usr/lib/cni";
    let (version, images, plugin, own, programs) = match cluster.generation {
        Generation::One => {
            let programs = format!("bin_dir = {folder:?}");
            (2, "", "io.containerd.grpc.v1.cri", pause.as_str(), programs)
        }
        Generation::Two => {
            let programs = format!("bin_dirs = [{folder:?}]");
            (3, images.as_str(), "io.containerd.cri.v1.runtime", "", programs)
        }
    };
    let wasmedge = crun().map(|crun| wasmedge(plugin, &crun)).unwrap_or_default();
    let settings = format!(
        r#"version = {version}
root = {root:?}
state = {state:?}
[grpc]
address = {socket:?}
{images}
[plugins."{plugin}"]
restrict_oom_score_adj = true
{own}
[plugins."{plugin}".cni]
{programs}
conf_dir = {networks:?}
[plugins."{plugin}".containerd]
default_runtime_name = "{default}"
[plugins."{plugin}".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."{plugin}".containerd.runtimes.hedge]
runtime_type = "io.containerd.hedge.v1"
{wasmedge}"#,
        root = cluster.path("containerd/root"),
        state = cluster.path("containerd/state"),
        socket = cluster.path("containerd.sock"),
        networks = cluster.path("cni-conf"),
    );
    Ok(fs::write(cluster.path("containerd.toml"), settings)?)
}

/// crun with WasmEdge, if it is here.
pub(super) fn crun() -> Option<PathBuf> {
    env::var_os("HEDGE_TEST_CRUN").map(PathBuf::from)
}

/// The runtime of modules for WASI 0.1, as docs/verifier.md has it.
fn wasmedge(plugin: &str, crun: &Path) -> String {
    format!(
        r#"[plugins."{plugin}".containerd.runtimes.wasmedge]
runtime_type = "io.containerd.runc.v2"
pod_annotations = ["module.wasm.image/*"]
[plugins."{plugin}".containerd.runtimes.wasmedge.options]
BinaryName = {crun:?}
"#
    )
}

fn kubeconfig(file: &Path, token: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {
            "server": "https://127.0.0.1:6443", "insecure-skip-tls-verify": true,
        }}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    });
    Ok(fs::write(file, config.to_string())?)
}

fn kubelet(cluster: &Cluster) -> serde_json::Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": true}, "webhook": {"enabled": false}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "failSwapOn": false,
        "failCgroupV1": false,
        "containerRuntimeEndpoint": format!("unix://{}", cluster.path("containerd.sock").display()),
        "podLogsDir": cluster.path("logs"),
        "staticPodPath": cluster.path("static"),
        "readOnlyPort": 0,
        "clusterDNS": [ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "makeIPTablesUtilChains": false,
        "evictionHard": {
            "memory.available": "1Mi", "nodefs.available": "0.1%", "imagefs.available": "0.1%",
        },
        "imageGCHighThresholdPercent": 100,
    })
}

fn corefile(cluster: &Cluster) -> String {
    format!(
        ".:53 {{\n  bind {ADDRESS}\n  errors\n  kubernetes cluster.local {{\n    \
         kubeconfig {}\n  }}\n}}\n",
        cluster.path("admin.kubeconfig").display()
    )
}

/// A link from each pod to the machine, so that all they send each other goes by its Services.
fn network(cluster: &Cluster) -> serde_json::Value {
    json!({
        "cniVersion": "0.4.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "dataDir": cluster.path("cni"),
                "ranges": [[{"subnet": "10.91.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}
