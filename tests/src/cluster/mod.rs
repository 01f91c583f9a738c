//! A Kubernetes of a test's own, on this machine alone: the parts that K3s has in one program, each
//! a process, with this repository's shim below them.
//!
//! It wants network, mounts and processes apart from the machine's, which `cargo xtask test
//! --cluster` gives the whole test program. There it may have everything: the first cluster makes
//! the network, and each one ends whatever else runs when it is dropped.

mod image;
mod kubectl;
mod part;
mod settings;
mod spinkube;
mod volume;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
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
            fs::read_dir("/sys/class/net").is_ok() && !is_shared()?,
            "this test wants a network of its own: `cargo xtask test --cluster` gives it one"
        );
        cover_machine()?;
        let folder = TempDir::new()?;
        let (processes, logs) = (BTreeMap::new(), BTreeMap::new());
        let mut cluster = Self { folder, programs, generation, processes, logs };
        cluster.make_network()?;
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

    fn make_network(&self) -> Result<()> {
        // Tests run one after another: the one before may have made it.
        if fs::exists("/sys/class/net/hedge0")? || run("ip", &["link", "show", "hedge0"]).is_ok() {
            return Ok(());
        }
        run("ip", &["link", "set", "lo", "up"])?;
        run("ip", &["link", "add", "hedge0", "type", "bridge"])?;
        run("ip", &["address", "add", &format!("{ADDRESS}/24"), "dev", "hedge0"])?;
        run("ip", &["link", "set", "hedge0", "up"])?;
        run("ip", &["route", "add", "default", "via", "10.90.0.254", "dev", "hedge0"])?;
        Ok(fs::write("/proc/sys/net/ipv4/ip_forward", "1")?)
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

    /// Has pods that name no runtime class run by this repository's shim.
    pub fn default_to_shim(&mut self) -> Result<()> {
        settings::containerd(self, "hedge")?;
        self.restart_part(Part::Containerd)
    }

    /// What becomes of it all when the power fails: nothing runs, nothing is mounted, and what was
    /// in memory is gone.
    pub fn cut_power(&mut self) -> Result<()> {
        self.processes.clear();
        kill_all();
        unmount_below(self.folder.path());
        remove_networks()?;
        remove_cgroups()?;
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
        kill_all();
        unmount_below(self.folder.path());
        if let Err(error) = remove_networks().and_then(|()| remove_cgroups()) {
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

/// Whether this process shares its network with the machine's first one: there is more than the
/// loopback then.
fn is_shared() -> Result<bool> {
    let table = fs::read_to_string("/proc/net/dev")?;
    let mut names = table.lines().skip(2).filter_map(|line| line.split(':').next());
    // `hedge0` and what hangs on it is ours.
    let is_foreign = |name: &str| ["eth", "ens", "enp", "wl"].iter().any(|it| name.starts_with(it));
    Ok(names.any(|name| is_foreign(name.trim())))
}

/// Hides the folders of the machine that some parts write to whatever they are told, for as long
/// as this program runs.
fn cover_machine() -> Result<()> {
    static COVERED: OnceLock<()> = OnceLock::new();
    if COVERED.get().is_none() {
        for folder in ["/run", "/var/lib", "/var/log"] {
            let flags = rustix::mount::MountFlags::empty();
            let covered = rustix::mount::mount("tmpfs", folder, "tmpfs", flags, None);
            covered.with_context(|| format!("covering {folder}"))?;
        }
        let _ = COVERED.set(());
    }
    Ok(())
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

/// Kills every process but this one and the first. Whatever else is here is the cluster's.
fn kill_all() {
    let own = std::process::id();
    let is_over = || {
        let others = processes(|words| !words.concat().is_empty())?;
        let others: Vec<_> = others.into_iter().filter(|pid| *pid != 1 && *pid != own).collect();
        for pid in &others {
            if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        Ok(others.is_empty().then_some(()))
    };
    if let Err(error) = eventually("all processes end", is_over) {
        eprintln!("--- {error:#}");
    }
}

fn unmount_below(folder: &Path) {
    let own = folder.display().to_string();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    for mount in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
        if mount.starts_with(&own) {
            let _ = rustix::mount::unmount(mount, rustix::mount::UnmountFlags::DETACH);
        }
    }
}

/// Removes the pods' networks. They outlive their processes, and would keep the addresses that the
/// next cluster gives to its own pods.
fn remove_networks() -> Result<()> {
    unmount_below(Path::new("/run/netns"));
    let _ = fs::remove_dir_all("/run/netns");
    eventually("the pods' links are gone", || {
        let table = fs::read_to_string("/proc/self/net/dev")?;
        Ok((!table.contains("veth")).then_some(()))
    })
}

/// Removes the groups that a kubelet has made for its pods, of each controller.
fn remove_cgroups() -> Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let mut places = vec![root.join("kubepods")];
    places.extend(fs::read_dir(root)?.flatten().map(|entry| entry.path().join("kubepods")));
    for place in places.iter().filter(|place| place.is_dir()) {
        eventually("its processes' groups can be removed", || {
            remove_groups(place);
            Ok((!place.exists()).then_some(()))
        })?;
    }
    Ok(())
}

/// Innermost first; one whose last process has just ended may still be in use.
fn remove_groups(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(place);
}
