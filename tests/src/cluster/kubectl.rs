//! What an operator does to a cluster.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Cluster, output};
use crate::eventually;

impl Cluster {
    fn client(&self, arguments: &[&str]) -> Command {
        let mut kubectl = self.program("kubernetes", "kubectl");
        kubectl.env("KUBECONFIG", self.path("admin.kubeconfig")).env("HOME", self.folder());
        kubectl.args(arguments);
        kubectl
    }

    /// Runs `kubectl`, and answers what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        output(&mut self.client(arguments))
    }

    /// The same with something on its standard input; answers what it said, however it ended.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<(bool, String)> {
        let mut kubectl = self.client(arguments);
        kubectl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().context("starting kubectl")?;
        child.stdin.take().context("it reads")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        Ok((output.status.success(), said))
    }

    /// Applies objects as text.
    pub fn apply(&self, objects: &str) -> Result<()> {
        let (succeeded, said) = self.kubectl_with(&["apply", "-f", "-"], objects)?;
        ensure!(succeeded, "{said}");
        Ok(())
    }

    /// Applies a folder's kustomization.
    pub fn apply_folder(&self, folder: &Path) -> Result<()> {
        self.kubectl(&["apply", "-k", &folder.display().to_string()]).map(drop)
    }

    /// One object.
    pub fn get(&self, kind: &str, name: &str, namespace: &str) -> Result<Value> {
        let text = self.kubectl(&["get", kind, name, "-n", namespace, "-o", "json"])?;
        Ok(serde_json::from_str(&text)?)
    }

    /// All objects of a kind with a label, `name=value`.
    pub fn list(&self, kind: &str, label: &str, namespace: &str) -> Result<Vec<Value>> {
        let text = self.kubectl(&["get", kind, "-l", label, "-n", namespace, "-o", "json"])?;
        let list: Value = serde_json::from_str(&text)?;
        Ok(list.get("items").and_then(Value::as_array).cloned().unwrap_or_default())
    }

    /// Waits until a Deployment has rolled out what it is to be.
    pub fn await_rollout(&self, name: &str, namespace: &str) -> Result<()> {
        let what = format!("deployment/{name}");
        self.kubectl(&["rollout", "status", &what, "-n", namespace, "--timeout=120s"]).map(drop)
    }

    /// Waits until the one pod of a label is ready, and answers it.
    pub fn await_pod(&self, label: &str, namespace: &str) -> Result<Value> {
        eventually(&format!("a pod of {label} is ready"), || {
            let pods = self.list("pods", label, namespace).unwrap_or_default();
            let [pod] = pods.as_slice() else { return Ok(None) };
            Ok(is_ready(pod).then(|| pod.clone()))
        })
    }

    /// The address of a Service.
    pub fn service(&self, name: &str, namespace: &str) -> Result<String> {
        let service = self.get("service", name, namespace)?;
        let address =
            service.pointer("/spec/clusterIP").and_then(Value::as_str).context("no address")?;
        let port =
            service.pointer("/spec/ports/0/port").and_then(Value::as_u64).context("no port")?;
        Ok(format!("http://{address}:{port}"))
    }

    /// What there is, for whoever looks why a test failed.
    pub(super) fn describe(&self) -> String {
        let all = self.kubectl(&["get", "pods,events,pvc", "-A", "-o", "wide"]);
        let pods = self.kubectl(&["describe", "pods", "-A"]);
        let shown = |text: Result<String>| text.unwrap_or_else(|error| format!("{error:#}"));
        format!("{}\n{}", shown(all), shown(pods))
    }
}

/// Whether a pod is ready, and not about to end.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let is = |it: &Value, key, value| it.get(key).and_then(Value::as_str) == Some(value);
    let is_ready = |it: &Value| is(it, "type", "Ready") && is(it, "status", "True");
    pod.pointer("/metadata/deletionTimestamp").is_none()
        && conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
}
