//! Gatekeeper, beside the API server as another process: what it needs of a pod is a pod that never
//! runs.

use std::fs;
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use super::{Cluster, Part, output, run};
use crate::eventually;

/// Where it says that it runs.
const NAMESPACE: &str = "gatekeeper-system";
/// Where it listens.
const PORT: u16 = 8443;

pub(super) fn command(cluster: &Cluster) -> Command {
    let kubeconfig = cluster.path("admin.kubeconfig");
    let program = cluster.program("gatekeeper", "gatekeeper");
    let mut gatekeeper = Command::new("env");
    gatekeeper.args(["POD_NAME=gatekeeper", &format!("POD_NAMESPACE={NAMESPACE}")]);
    gatekeeper.arg(format!("KUBECONFIG={}", kubeconfig.display())).arg(program.get_program());
    gatekeeper.args(["--operation=webhook", "--operation=status", "--operation=generate"]);
    gatekeeper.args(["--disable-cert-rotation", "--health-addr=127.0.0.1:8083"]);
    gatekeeper.arg(format!("--cert-dir={}", cluster.path("gatekeeper").display()));
    gatekeeper.args(["--host=127.0.0.1", &format!("--port={PORT}")]);
    gatekeeper
}

pub(super) fn is_ready() -> bool {
    TcpStream::connect(("127.0.0.1", PORT)).is_ok()
}

impl Cluster {
    /// Starts it, and has it asked about all that is made or changed in a namespace.
    pub fn start_gatekeeper(&mut self, namespace: &str) -> Result<()> {
        let kinds = self.programs_of("gatekeeper").context("no gatekeeper")?.join("crds");
        self.kubectl(&["apply", "--server-side", "-f", &kinds.display().to_string()])?;
        self.kubectl(&["create", "namespace", NAMESPACE])?;
        self.apply(&stand_in().to_string())?;
        self.make_certificate()?;
        self.start_part(Part::Gatekeeper)?;
        let certificate = fs::read(self.path("gatekeeper/ca.crt"))?;
        self.apply(&webhook(namespace, &BASE64_STANDARD.encode(certificate)).to_string())
    }

    fn make_certificate(&self) -> Result<()> {
        let folder = self.path("gatekeeper");
        fs::create_dir_all(&folder)?;
        let file = |name: &str| folder.join(name).display().to_string();
        let (key, certificate) = (file("tls.key"), file("tls.crt"));
        let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
        let names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
        let files = ["-keyout", key.as_str(), "-out", certificate.as_str()];
        run("openssl", &[&request[..], &names[..], &files[..]].concat())?;
        fs::copy(&certificate, folder.join("ca.crt"))?;
        Ok(())
    }

    /// Waits until it judges by so many constraints.
    pub fn await_constraints(&self, number: usize) -> Result<()> {
        eventually("all constraints are in force", || {
            let text = self.kubectl(&["get", "constraints", "-o", "json"]).unwrap_or_default();
            let list: Value = serde_json::from_str(&text).unwrap_or_default();
            let all = list.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_enforced =
                |it: &&Value| it.pointer("/status/byPod/0/enforced") == Some(&Value::Bool(true));
            Ok((all.iter().filter(is_enforced).count() == number).then_some(()))
        })
    }

    /// Runs `gator`, which judges as Gatekeeper does, without a cluster.
    pub fn gator(&self, arguments: &[&str]) -> Result<String> {
        output(self.program("gatekeeper", "gator").args(arguments))
    }
}

/// The pod that it takes for its own: with a gate that nobody opens it is never started.
fn stand_in() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "gatekeeper", "namespace": NAMESPACE},
        "spec": {
            "schedulingGates": [{"name": "hedgeschool/never"}],
            "containers": [{"name": "none", "image": "localhost/none:1"}],
        },
    })
}

fn webhook(namespace: &str, certificate: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "gatekeeper"},
        "webhooks": [{
            "name": "validation.gatekeeper.sh",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": {
                "url": format!("https://127.0.0.1:{PORT}/v1/admit"), "caBundle": certificate,
            },
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{
                "apiGroups": ["*"],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["*", "pods/ephemeralcontainers"],
            }],
        }],
    })
}
