//! The processes of a cluster: how each is started, and when it answers.

use std::process::Command;

use super::{ADDRESS, Cluster, NODE, gatekeeper, spinkube};

/// A part of a cluster, in the order in which they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// kine: the datastore, on SQLite.
    Datastore,
    /// kube-apiserver.
    Api,
    /// kube-controller-manager.
    Controllers,
    /// kube-scheduler.
    Scheduler,
    /// CoreDNS.
    Names,
    /// containerd.
    Containerd,
    /// The kubelet.
    Kubelet,
    /// kube-proxy: Services.
    Proxy,
    /// SpinKube's operator, which not every cluster has.
    Operator,
    /// Gatekeeper, which few have.
    Gatekeeper,
}

impl Part {
    /// What every cluster has.
    pub const ALL: [Self; 8] = [
        Self::Datastore,
        Self::Api,
        Self::Controllers,
        Self::Scheduler,
        Self::Names,
        Self::Containerd,
        Self::Kubelet,
        Self::Proxy,
    ];

    pub(super) fn command(self, cluster: &Cluster) -> Command {
        let kubernetes = |program: &str| cluster.program("kubernetes", program);
        let file = |name: &str| cluster.path(name).display().to_string();
        let kubeconfig = format!("--kubeconfig={}", file("admin.kubeconfig"));
        let mut command;
        match self {
            Self::Datastore => {
                command = cluster.program("kine", "kine");
                command.args(["--endpoint", "sqlite://", "--metrics-bind-address", "0"]);
                command.arg("--listen-address").arg(socket(cluster, "kine.sock"));
            }
            Self::Api => {
                command = kubernetes("kube-apiserver");
                command.args(api_flags(cluster));
            }
            Self::Controllers => {
                command = kubernetes("kube-controller-manager");
                command.args([&kubeconfig, "--leader-elect=false"]);
                command.args(["--use-service-account-credentials", "--bind-address=127.0.0.1"]);
                command.arg(format!("--service-account-private-key-file={}", file("key.pem")));
                command.arg("--root-ca-file").arg(file("api/apiserver.crt"));
            }
            Self::Scheduler => {
                command = kubernetes("kube-scheduler");
                command.args([&kubeconfig, "--leader-elect=false", "--bind-address=127.0.0.1"]);
            }
            Self::Names => {
                command = cluster.program("coredns", "coredns");
                command.arg("-conf").arg(file("Corefile"));
            }
            Self::Containerd => {
                command = cluster.containerd_program("containerd");
                command.arg("--config").arg(file("containerd.toml"));
            }
            Self::Kubelet => {
                command = kubernetes("kubelet");
                command.arg(format!("--config={}", file("kubelet.yaml")));
                command.arg(format!("--kubeconfig={}", file("kubelet.kubeconfig")));
                command.arg(format!("--root-dir={}", file("kubelet")));
                command.arg(format!("--cert-dir={}", file("kubelet-pki")));
                command.args(["--hostname-override", NODE, "--node-ip", ADDRESS]);
                command.args(["--node-labels", "node-type=edge"]);
            }
            Self::Proxy => {
                command = kubernetes("kube-proxy");
                command.args([&kubeconfig, "--proxy-mode=nftables", "--conntrack-max-per-core=0"]);
                command.args(["--conntrack-tcp-timeout-established=0"]);
                command.args(["--conntrack-tcp-timeout-close-wait=0"]);
                command.args(["--hostname-override", NODE]);
            }
            Self::Operator => command = spinkube::operator(cluster),
            Self::Gatekeeper => command = gatekeeper::command(cluster),
        }
        command
    }

    pub(super) fn is_ready(self, cluster: &Cluster) -> bool {
        match self {
            Self::Datastore => cluster.path("kine.sock").exists(),
            Self::Api => cluster.kubectl(&["get", "--raw", "/readyz"]).is_ok(),
            Self::Containerd => cluster.ctr(&["version"]).is_ok(),
            Self::Gatekeeper => gatekeeper::is_ready(),
            // The node's state says when these are: it is waited for.
            _ => true,
        }
    }
}

fn socket(cluster: &Cluster, name: &str) -> String {
    format!("unix://{}", cluster.path(name).display())
}

fn api_flags(cluster: &Cluster) -> Vec<String> {
    let file = |name: &str| cluster.path(name).display().to_string();
    let key = file("key.pem");
    vec![
        format!("--etcd-servers={}", socket(cluster, "kine.sock")),
        "--service-cluster-ip-range=10.92.0.0/16".to_owned(),
        format!("--advertise-address={ADDRESS}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--token-auth-file={}", file("tokens.csv")),
        "--authorization-mode=Node,RBAC".to_owned(),
        format!("--service-account-key-file={key}"),
        format!("--service-account-signing-key-file={key}"),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--cert-dir={}", file("api")),
        "--allow-privileged".to_owned(),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
    ]
}
