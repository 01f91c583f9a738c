//! A Kubernetes of a test's own, on this machine alone: the parts that K3s has in one program, each
//! a process, with this repository's shim below them.
//!
//! It wants network, mounts and processes apart from the machine's, which `cargo xtask test
//! --cluster` gives the whole test program. There it may have everything: the first cluster makes
//! the network, and each one ends whatever else runs when it is dropped.

mod gatekeeper;
mod image;
mod kubectl;
mod machine;
mod part;
mod settings;
mod spinkube;
mod volume;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::log::Log;
use crate::process::{self, Process};
use crate::{eventually, repository};

pub use part::Part;

/// Where the tests' programs are.
const PROGRAMS: &str = "HEDGE_TEST_CLUSTER";
/// This machine's address, where all parts listen.
const ADDRESS: &str = "10.90.0.1";
/// What the node is called.
const NODE: &str = "box";
/// Last lines of each part's log that a failed test shows.
const LOG_LINES: usize = 40;

/// Which containerd a cluster runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Debian's containerd 1.6.
    One,
    /// containerd 2.
    Two,
}

/// A cluster of one node.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    generation: Generation,
    processes: BTreeMap<Part, Process>,
    logs: BTreeMap<Part, Log>,
}

impl Cluster {
    /// Starts one. None where there are no programs for it.
    pub fn start(generation: Generation) -> Result<Option<Self>> {
        let Some(programs) = env::var_os(PROGRAMS).map(PathBuf::from) else {
            eprintln!("left out: `cargo xtask test --cluster` runs it");
            return Ok(None);
        };
        ensure!(
            !machine::is_shared()?,
            "this test wants a network of its own: `cargo xtask test --cluster` gives it one"
        );
        machine::cover()?;
        let folder = TempDir::new()?;
        let (processes, logs) = (BTreeMap::new(), BTreeMap::new());
        let mut cluster = Self { folder, programs, generation, processes, logs };
        machine::make_network()?;
        settings::write(&cluster)?;
        cluster.start_parts()?;
        cluster.import_images()?;
        Ok(Some(cluster))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder of the machine that the cluster is on.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts all parts that are stopped, and waits until the node is ready for pods.
    pub fn start_parts(&mut self) -> Result<()> {
        for part in Part::ALL {
            if !self.processes.contains_key(&part) {
                self.start_part(part)?;
            }
        }
        eventually("the node is ready", || {
            let ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
            let status = self.kubectl(&["get", "node", NODE, "-o", ready]).unwrap_or_default();
            Ok((status == "True").then_some(()))
        })
    }

    /// Starts one part, and waits until it answers.
    pub fn start_part(&mut self, part: Part) -> Result<()> {
        let log = self.logs.entry(part).or_default().clone();
        let mut command = part.command(self);
        // Nothing of the test's own environment is a container's business.
        let path = env::var("PATH").unwrap_or_default();
        let own = self.path("bin");
        command.env_clear().env("PATH", format!("{}:{path}", own.display())).env("HOME", "/root");
        command.current_dir(self.folder.path());
        let process = Process::start(&mut command, &log)?;
        self.processes.insert(part, process);
        eventually(&format!("{part:?} answers"), || {
            let process = self.processes.get_mut(&part).context("it was started")?;
            if let Some(status) = process.ended()? {
                anyhow::bail!("{part:?} ended with {status}: {}", tail(&log));
            }
            Ok(part.is_ready(self).then_some(()))
        })
    }

    /// Starts a part anew if it has ended, as a machine's service manager does.
    pub fn keep(&mut self, part: Part) -> Result<()> {
        let process = self.processes.get_mut(&part).context("it was never started")?;
        match process.ended()? {
            Some(_) => self.start_part(part),
            None => Ok(()),
        }
    }

    /// Kills a part.
    pub fn kill_part(&mut self, part: Part) -> Result<()> {
        match self.processes.remove(&part) {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Kills a part, and starts it anew.
    pub fn restart_part(&mut self, part: Part) -> Result<()> {
        self.kill_part(part)?;
        self.start_part(part)
    }

    /// Whether it can run modules for WASI 0.1, by crun with WasmEdge.
    pub fn has_wasmedge(&self) -> bool {
        settings::crun().is_some()
    }

    /// Has pods that name no runtime class run by this repository's shim.
    pub fn default_to_shim(&mut self) -> Result<()> {
        settings::containerd(self, "hedge")?;
        self.restart_part(Part::Containerd)
    }

    /// What becomes of it all when the power fails: nothing runs, nothing is mounted, and what was
    /// in memory is gone.
    pub fn cut_power(&mut self) -> Result<()> {
        self.processes.clear();
        machine::clear(self.folder.path())?;
        for volatile in ["containerd/state", "cni", "logs"] {
            let _ = fs::remove_dir_all(self.path(volatile));
        }
        let _ = fs::remove_dir_all("/run/containerd");
        Ok(())
    }

    fn prepare_programs(&self) -> Result<()> {
        let bin = self.path("bin");
        fs::create_dir_all(&bin)?;
        let shim = "containerd-shim-hedge-v1";
        Ok(symlink(repository("target/shim").join(shim), bin.join(shim))?)
    }

    /// The folder of a part's programs, whatever its version.
    fn programs_of(&self, name: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.programs).ok()?.flatten();
        let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
        found.sort();
        let is_its = |path: &PathBuf| {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            file.strip_prefix(name).is_some_and(|rest| rest.starts_with("-v"))
        };
        found.into_iter().rev().find(is_its)
    }

    fn program(&self, part: &str, program: &str) -> Command {
        match self.programs_of(part) {
            Some(folder) => Command::new(folder.join(program)),
            None => Command::new(program),
        }
    }

    fn containerd_program(&self, program: &str) -> Command {
        match self.generation {
            Generation::One => Command::new(program),
            Generation::Two => self.program("containerd", program),
        }
    }

    /// Runs containerd's client.
    pub fn ctr(&self, arguments: &[&str]) -> Result<String> {
        let mut ctr = self.containerd_program("ctr");
        ctr.arg("--address").arg(self.path("containerd.sock"));
        output(ctr.args(["--namespace", "k8s.io"]).args(arguments))
    }

    /// The versions of all that it is made of.
    pub fn versions(&self) -> Result<String> {
        let mut lines = Vec::new();
        let kubernetes = self.kubectl(&["version"])?;
        lines.extend(kubernetes.lines().map(str::to_owned));
        lines.push(self.ctr(&["version"])?.split_whitespace().collect::<Vec<_>>().join(" "));
        for mut command in [Command::new("runc"), self.program("coredns", "coredns")] {
            let version = output(command.arg("--version"));
            lines.extend(version.unwrap_or_default().lines().next().map(str::to_owned));
        }
        let kine = self.programs_of("kine").context("no kine")?;
        lines.push(kine.file_name().unwrap_or_default().to_string_lossy().into_owned());
        Ok(lines.join("\n"))
    }
}

impl Cluster {
    /// What the containers have printed, by the files that the kubelet keeps it in.
    fn pod_logs(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.path("logs")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push((
                        path.display().to_string(),
                        fs::read_to_string(&path).unwrap_or_default(),
                    )),
                }
            }
        }
        found
    }

    /// Shows what there is and what each part has logged last, for whoever looks why a test failed.
    pub fn show(&self) {
        eprintln!("--- objects:\n{}", self.describe());
        for (file, text) in self.pod_logs() {
            eprintln!("--- {file}:\n{}", last_lines(&text));
        }
        eprintln!(
            "--- processes:\n{}",
            run("ps", &["axfww", "-o", "pid,stat,etime,args"]).unwrap_or_default()
        );
        for (part, log) in &self.logs {
            eprintln!("--- {part:?}:\n{}", tail(log));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show();
        }
        self.processes.clear();
        if let Err(error) = machine::clear(self.folder.path()) {
            eprintln!("--- {error:#}");
        }
    }
}

/// The processes of the shim's daemons, one a pod.
pub fn daemons() -> Result<Vec<u32>> {
    processes(|words| words.first().is_some_and(|word| word.ends_with("containerd-shim-hedge-v1")))
}

/// The processes that serve an application.
pub fn workloads() -> Result<Vec<u32>> {
    processes(|words| words.first().is_some_and(|word| word == "/.hedge/hedge"))
}

fn tail(log: &Log) -> String {
    last_lines(&log.text())
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let skipped = lines.len().saturating_sub(LOG_LINES);
    lines.get(skipped..).unwrap_or_default().join("\n")
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    output(Command::new(program).args(arguments))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("starting {command:?}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    ensure!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    Ok(text(&output.stdout))
}

/// All processes whose words are such.
fn processes(matches: impl Fn(&[String]) -> bool) -> Result<Vec<u32>> {
    let all = process::running()?.into_iter();
    Ok(all.filter(|(_, words)| matches(words)).map(|(pid, _)| pid).collect())
}
