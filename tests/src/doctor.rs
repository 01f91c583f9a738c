//! `hedge doctor` as tests ask it: what it finds, and that it changes nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::repository;

/// `hedge doctor`, about to look at a node.
pub struct Doctor {
    command: Command,
    /// Is there for as long as anybody looks at it.
    _folder: Arc<TempDir>,
}

/// What it says.
#[derive(Debug)]
pub struct Diagnosis {
    /// With what it ended.
    pub code: i32,
    /// Its report.
    pub report: Value,
}

impl Doctor {
    /// With the flags of a node, its variables and where it listens.
    pub(crate) fn of(
        manifest: &Path,
        runtime_config: &Path,
        folder: Arc<TempDir>,
        variables: &[(String, String)],
        port: u16,
    ) -> Self {
        let mut command = Command::new(repository("target/host/hedge"));
        command.args(["doctor", "--json", "-f"]).arg(manifest);
        command.arg("--runtime-config-file").arg(runtime_config);
        command.arg("--state-dir").arg(folder.path());
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        for (name, value) in variables {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        command.current_dir(folder.path());
        Self { command, _folder: folder }
    }

    /// With one more argument, or another value of one.
    pub fn argument(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// With more in its environment.
    pub fn environment(mut self, variables: Vec<(String, String)>) -> Self {
        self.command.envs(variables);
        self
    }

    /// Looks.
    pub fn examine(mut self) -> Result<Diagnosis> {
        let output = self.command.output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code().context("it was killed")?;
        let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
        ensure!(code == 2 || said.is_empty(), "{said}");
        Ok(Diagnosis { code, report })
    }

    /// Looks, and finds one thing that is wrong: in this check, with these words.
    pub fn expect_wrong(self, check: &str, words: &str) -> Result<()> {
        self.examine()?.expect(check, "wrong", words)
    }

    /// Looks, and has one warning: in this check, with these words.
    pub fn expect_warning(self, check: &str, words: &str) -> Result<()> {
        self.examine()?.expect(check, "warning", words)
    }

    /// Looks, and finds nothing.
    pub fn expect_nothing(self) -> Result<Diagnosis> {
        let seen = self.examine()?;
        let findings = seen.list("findings")?;
        ensure!(findings.is_empty() && seen.code == 0, "{seen:#?}");
        Ok(seen)
    }
}

impl Diagnosis {
    fn expect(&self, check: &str, severity: &str, words: &str) -> Result<()> {
        let [one] = self.list("findings")? else { anyhow::bail!("not {check} alone: {self:#?}") };
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
        ensure!(text("check") == check && text("severity") == severity, "not {check}: {self:#?}");
        let what = text("what");
        ensure!(what.contains(words), "{what:?} does not say {words:?}");
        ensure!(!text("advice").is_empty(), "{one}");
        let is_wrong = severity == "wrong";
        ensure!(self.code == i32::from(is_wrong), "it ended with {}", self.code);
        let is_healthy = self.report.get("is_healthy").and_then(Value::as_bool);
        ensure!(is_healthy == Some(!is_wrong), "{self:#?}");
        Ok(())
    }

    /// Whether a check was made, and all is in order.
    pub fn is_in_order(&self, check: &str) -> bool {
        self.list("in_order").is_ok_and(|checks| checks.iter().any(|it| it == check))
    }

    /// A list of the report.
    fn list(&self, name: &str) -> Result<&[Value]> {
        let list = self.report.get(name).and_then(Value::as_array);
        Ok(list.with_context(|| format!("no {name}: {self:#?}"))?.as_slice())
    }
}

/// All files of a folder, with their bytes and the times of their last changes.
pub fn snapshot(folder: &Path) -> Result<Vec<(String, Vec<u8>, std::time::SystemTime)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let bytes = if kind.is_file() { fs::read(entry.path())? } else { Vec::new() };
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, bytes, entry.metadata()?.modified()?));
    }
    files.sort();
    Ok(files)
}
