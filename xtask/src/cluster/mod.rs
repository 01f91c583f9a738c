//! What `cargo xtask test --cluster` needs beyond Debian's packages: programs in Go, built from
//! their modules into `target/cluster`, and kept there.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::debian::{self, Need};
use crate::go::{self, Part};
use crate::progress::{Steps, step};

/// Where the programs are, below the repository's folder.
const FOLDER: &str = "target/cluster";

/// containerd 2: the shim has to work with both generations.
const CONTAINERD: Part = Part {
    name: "containerd",
    module: "github.com/containerd/containerd/v2",
    version: "v2.2.9",
    packages: &["cmd/containerd", "cmd/ctr", "cmd/containerd-shim-runc-v2"],
    // Snapshotters that need libraries of C.
    tags: "no_btrfs,no_devmapper,no_zfs",
    variables: &[],
    staging: None,
    folder: None,
};

/// Kubernetes, whose parts K3s has in one program.
const KUBERNETES: Part = Part {
    name: "kubernetes",
    module: "k8s.io/kubernetes",
    version: "v1.34.4",
    packages: &[
        "cmd/kube-apiserver",
        "cmd/kube-controller-manager",
        "cmd/kube-proxy",
        "cmd/kube-scheduler",
        "cmd/kubectl",
        "cmd/kubelet",
    ],
    tags: "",
    variables: &[
        ("k8s.io/component-base/version.gitVersion", "v1.34.4"),
        ("k8s.io/component-base/version.gitMajor", "1"),
        ("k8s.io/component-base/version.gitMinor", "34"),
    ],
    staging: Some("v0.34.4"),
    folder: None,
};

/// The datastore of K3s, on SQLite.
const KINE: Part = Part {
    name: "kine",
    module: "github.com/k3s-io/kine",
    version: "v0.17.5",
    packages: &["."],
    tags: "",
    variables: &[],
    staging: None,
    folder: None,
};

/// The names of Services; K3s has it too.
const COREDNS: Part = Part {
    name: "coredns",
    module: "github.com/coredns/coredns",
    version: "v1.13.1",
    packages: &["."],
    tags: "",
    variables: &[],
    staging: None,
    folder: None,
};

/// What judges by the policies of `k3s/policy`, in a cluster and without.
const GATEKEEPER: Part = Part {
    name: "gatekeeper",
    module: "github.com/open-policy-agent/gatekeeper/v3",
    version: "v3.23.1",
    packages: &[".", "cmd/gator"],
    tags: "",
    variables: &[],
    staging: None,
    // Its kinds.
    folder: Some("charts/gatekeeper/crds"),
};

const PARTS: [&Part; 5] = [&CONTAINERD, &KUBERNETES, &KINE, &COREDNS, &GATEKEEPER];

/// The programs of a cluster, each part in a folder of its name.
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// The folder with the parts' folders.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of containerd 2 and its client.
    pub fn containerd(&self) -> PathBuf {
        CONTAINERD.folder_in(&self.folder)
    }
}

/// How many parts have to be built yet.
pub fn count_missing(root: &Path) -> u32 {
    let folder = root.join(FOLDER);
    PARTS.iter().map(|part| u32::from(!part.is_built(&folder))).sum()
}

/// Builds the parts that have not been built before.
pub fn build_programs(root: &Path, steps: &mut Steps) -> Result<Programs> {
    let folder = root.join(FOLDER);
    for part in PARTS {
        part.build(&folder, steps)?;
    }
    Ok(Programs { folder })
}

/// Builds SpinKube's operator, which no module proxy has, in the folder of its sources.
pub fn build_operator(sources: &Path) -> Result<()> {
    let title = "building SpinKube's operator";
    step(title, "look at what Go says above", || {
        go::build_in(sources, "bin/spin-operator", "./cmd")
    })
}

/// Installs what a cluster needs of the machine.
pub fn ensure_machine() -> Result<()> {
    debian::ensure(&[
        Need::program("containerd", &["containerd"], "containers"),
        Need::program("ip", &["iproute2"], "a network"),
        Need::program("nft", &["nftables"], "Services"),
        Need::program("busybox", &["busybox-static"], "images"),
        Need::program("openssl", &["openssl"], "keys"),
        Need::program("redis-server", &["redis-server"], "a Redis"),
        Need::program("shellcheck", &["shellcheck"], "scripts"),
        Need::packages(&["containernetworking-plugins"], "pods' networks"),
    ])
}

/// What to put before a program's name so that it runs in a network, with mounts and with
/// processes of its own, and nothing of it outlives it.
fn words_apart() -> Vec<&'static str> {
    // The shell stays, as the first process there: it takes leave of processes whose parents are
    // gone.
    let shell = ["sh", "-c", "\"$0\" \"$@\"; exit $?"];
    let namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    ["unshare"].into_iter().chain(namespaces).chain(shell).collect()
}

/// What tells Cargo to run programs by [`words_apart`].
pub fn run_apart() -> [String; 2] {
    let words: Vec<_> = words_apart().iter().map(|word| format!("{word:?}")).collect();
    ["--config".to_owned(), format!("target.'cfg(all())'.runner=[{}]", words.join(", "))]
}
