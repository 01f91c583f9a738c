//! A containerd of a test's own, with this repository's shim, and containers in it.

mod container;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::log::Log;
use crate::process::{self, Process};
use crate::{eventually, repository};

pub use container::{Attached, Builder, Served, Starting};

/// The runtime's name, which names its program too.
const RUNTIME: &str = "io.containerd.hedge.v1";
const PROGRAM: &str = "containerd-shim-hedge-v1";
/// Where `cargo xtask build` puts it.
const SHIM: &str = "target/shim/containerd-shim-hedge-v1";
/// Where `cargo xtask build --verifier` puts the verifier.
pub const VERIFIER: &str = "target/wasm32-wasip1/release/hedge-verify.wasm";
/// containerd's namespace for the tests' containers.
const NAMESPACE: &str = "hedge-test";

/// A containerd with folders and sockets of its own. Dropped, it is stopped with all it runs.
pub struct Containerd {
    folder: TempDir,
    process: Process,
    log: Log,
    /// The sockets of daemons that were seen.
    sockets: RefCell<BTreeSet<PathBuf>>,
    /// Programs to use in place of those on the path.
    programs: Option<PathBuf>,
}

/// A container's first process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number, as the machine counts.
    pub pid: u32,
    /// How it stands, in containerd's words: RUNNING, STOPPED.
    pub status: String,
}

impl Containerd {
    /// Starts one, of those on the path.
    pub fn start() -> Result<Self> {
        Self::start_of(None)
    }

    /// Starts the one that is in a folder with its `ctr`.
    pub fn start_of(programs: Option<&Path>) -> Result<Self> {
        let folder = TempDir::new()?;
        let shims = folder.path().join("bin");
        fs::create_dir(&shims)?;
        let shim = repository(SHIM);
        ensure!(shim.is_file(), "{} is missing: `cargo xtask build` makes it", shim.display());
        symlink(shim, shims.join(PROGRAM))?;
        let text = format!(
            "version = 2\nroot = {root:?}\nstate = {state:?}\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.cri.v1.images\", \
             \"io.containerd.cri.v1.runtime\"]\n\
             [grpc]\naddress = {socket:?}\n",
            root = folder.path().join("root"),
            state = folder.path().join("state"),
            socket = folder.path().join("c.sock"),
        );
        fs::write(folder.path().join("config.toml"), text)?;
        let (log, programs) = (Log::default(), programs.map(Path::to_owned));
        let process = spawn(folder.path(), programs.as_deref(), &log)?;
        let started = Self { folder, process, log, sockets: RefCell::default(), programs };
        started.await_ready()?;
        Ok(started)
    }

    /// Kills containerd, and starts it anew. Its containers go on meanwhile.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process = spawn(self.folder.path(), self.programs.as_deref(), &self.log)?;
        self.await_ready()
    }

    fn await_ready(&self) -> Result<()> {
        eventually("containerd answers", || Ok(self.ctr(&["version"]).ok().map(drop)))
    }

    /// Its version, and that of its client.
    pub fn version(&self) -> Result<String> {
        let text = self.ctr(&["version"])?;
        let line = text.lines().rev().find_map(|line| line.trim().strip_prefix("Version:"));
        Ok(line.context("no version")?.trim().to_owned())
    }

    /// Runs `ctr`, and answers what it printed.
    pub fn ctr(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output().context("starting ctr")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "ctr {}: {}",
            arguments.join(" "),
            text(&output.stderr).trim()
        );
        Ok(text(&output.stdout))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut ctr = program("ctr", self.programs.as_deref());
        ctr.arg("--address").arg(self.socket()).args(["--namespace", NAMESPACE]).args(arguments);
        ctr
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("c.sock")
    }

    /// Where containerd keeps the bundles of containers that run.
    pub fn bundles(&self) -> PathBuf {
        self.folder.path().join("state/io.containerd.runtime.v2.task").join(NAMESPACE)
    }

    /// Listens to what containerd tells of its containers.
    pub fn events(&self) -> Result<Events> {
        let log = Log::default();
        let process = Process::start(&mut self.command(&["events"]), &log)?;
        Ok(Events { process, log })
    }

    /// Takes in an image.
    pub fn import(&self, archive: &Path) -> Result<()> {
        self.ctr(&["image", "import", &archive.display().to_string()]).map(drop)
    }

    /// A container to be run: of an image, under a name.
    pub fn container(&self, image: &str, id: &str) -> Builder<'_> {
        Builder::new(self, image, id)
    }

    /// The containers' first processes, by name.
    pub fn tasks(&self) -> Result<BTreeMap<String, Task>> {
        let table = self.ctr(&["task", "list"])?;
        let rows = table.lines().skip(1).map(|line| {
            let mut fields = line.split_whitespace();
            let (id, pid, status) = (fields.next(), fields.next(), fields.next());
            let pid = pid.and_then(|pid| pid.parse().ok()).context("a task has a process")?;
            let status = status.context("a task has a status")?.to_owned();
            Ok((id.context("a task has a name")?.to_owned(), Task { pid, status }))
        });
        rows.collect()
    }

    /// The daemons that answer for its containers.
    pub fn daemons(&self) -> Result<Vec<u32>> {
        let daemons = self.processes(|words| words.iter().any(|word| word == "-socket"))?;
        self.sockets.borrow_mut().extend(daemons.iter().map(|daemon| socket_of(*daemon)));
        Ok(daemons)
    }

    /// All processes of the shim, in containers or not, and of runtimes below it, that have to do
    /// with this containerd.
    pub fn shims(&self) -> Result<Vec<u32>> {
        self.processes(|_| true)
    }

    fn processes(&self, matches: impl Fn(&[String]) -> bool) -> Result<Vec<u32>> {
        let own = self.folder.path().display().to_string();
        let is_its = |pid: u32, words: &[String]| {
            words.iter().any(|word| word.starts_with(&own)) && pid != self.id()
        };
        let all = process::running()?.into_iter();
        let found = all.filter(|(pid, words)| is_its(*pid, words) && matches(words));
        Ok(found.map(|(pid, _)| pid).collect())
    }

    fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until nothing is left of containers: no process, folder, mount or socket.
    pub fn await_nothing_left(&self) -> Result<()> {
        let own = self.folder.path().join("state").display().to_string();
        eventually("nothing is left of the containers", || {
            let mounts = fs::read_to_string("/proc/mounts")?;
            let is_mounted = mounts.lines().any(|line| line.contains(&own));
            let has_bundles =
                fs::read_dir(self.bundles()).is_ok_and(|mut all| all.next().is_some());
            let has_daemons = !self.daemons()?.is_empty();
            let has_sockets = self.sockets.borrow().iter().any(|socket| socket.exists());
            Ok((!is_mounted && !has_bundles && !has_daemons && !has_sockets).then_some(()))
        })
    }

    /// What containerd has logged.
    pub fn log(&self) -> String {
        self.log.text()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- containerd:\n{}", self.log.text());
        }
        let tasks = self.tasks().unwrap_or_default();
        for task in tasks.values() {
            let _ = kill(task.pid, Signal::KILL);
        }
        for daemon in self.daemons().unwrap_or_default() {
            let socket = socket_of(daemon);
            let _ = kill(daemon, Signal::KILL);
            let _ = fs::remove_file(socket);
        }
        let _ = self.process.kill();
        let own = self.folder.path().display().to_string();
        let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
        for mount in mounts.lines().rev().filter_map(|line| line.split(' ').nth(1)) {
            if mount.starts_with(&own) {
                let _ = rustix::mount::unmount(mount, rustix::mount::UnmountFlags::DETACH);
            }
        }
    }
}

/// The socket that a daemon answers on.
fn socket_of(daemon: u32) -> PathBuf {
    let line = fs::read(format!("/proc/{daemon}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).into_owned();
    let socket = line.split('\0').skip_while(|word| *word != "-socket").nth(1);
    PathBuf::from(socket.unwrap_or_default())
}

fn spawn(folder: &Path, programs: Option<&Path>, log: &Log) -> Result<Process> {
    let path = env::var("PATH").unwrap_or_default();
    let mut containerd = program("containerd", programs);
    containerd.arg("--config").arg(folder.join("config.toml"));
    // Nothing of the test's own environment is a container's business.
    containerd.env_clear().env("PATH", format!("{}:{path}", folder.join("bin").display()));
    containerd.env("CONTAINERD_ONLY", "not a container's");
    Process::start(&mut containerd, log)
        .context("starting containerd, which Debian has a package of")
}

fn program(name: &str, folder: Option<&Path>) -> Command {
    match folder {
        Some(folder) => Command::new(folder.join(name)),
        None => Command::new(name),
    }
}

/// Sends a signal to a process.
pub fn kill(pid: u32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no process 0")?;
    Ok(kill_process(pid, signal)?)
}

/// Whether there is such a process, that has not ended.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

/// What containerd tells of its containers.
pub struct Events {
    process: Process,
    log: Log,
}

impl Events {
    /// All that it has told.
    pub fn text(&self) -> String {
        self.log.text()
    }

    /// Listens no more.
    pub fn end(&mut self) -> Result<()> {
        self.process.kill()
    }
}

/// Makes an image of the app of a manifest, as `hedge image` does, and answers its archive.
pub fn pack(manifest: &Path, output: &Path, reference: &str, more: &[&str]) -> Result<PathBuf> {
    let stores = manifest.with_file_name("runtime-config.toml");
    let app = [OsStr::new("--from"), manifest.as_os_str()];
    let stores = [OsStr::new("--runtime-config-file"), stores.as_os_str()];
    let more = more.iter().map(OsStr::new);
    make_image(output, reference, app.into_iter().chain(stores).chain(more))
}

/// The same of the verifier.
pub fn pack_verifier(output: &Path, reference: &str) -> Result<PathBuf> {
    let module = repository(VERIFIER);
    make_image(output, reference, [OsStr::new("--program"), module.as_os_str()])
}

fn make_image<'a>(
    output: &Path,
    reference: &str,
    arguments: impl IntoIterator<Item = &'a OsStr>,
) -> Result<PathBuf> {
    let made = Command::new(repository("target/host/hedge"))
        .args(["image", "--reference", reference, "--output"])
        .arg(output)
        .args(arguments)
        .output()
        .context("starting target/host/hedge: `cargo xtask build` makes it")?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut entries = fs::read_dir(output)?.flatten().map(|entry| entry.path());
    let archive = entries.find(|path| path.extension().is_some_and(|name| name == "tar"));
    archive.context("no archive")
}
