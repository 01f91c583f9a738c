use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::{HEDGE, Node, is_port_taken, ready};
use crate::log::Log;
use crate::process::Process;
use crate::ticker::Ticker;
use crate::{Client, Doctor, eventually, is_own_host, port, repository};

/// How many ports to try before giving up: another program can take a free one first.
const PORT_TRIES: usize = 5;

/// A node to be started.
#[derive(Clone)]
pub struct Builder {
    /// The embedded host.
    pub(super) hedge: PathBuf,
    pub(super) manifest: PathBuf,
    pub(super) runtime_config: PathBuf,
    pub(super) variables: Vec<(String, String)>,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: Arc<TempDir>,
    /// Folders that the node needs for as long as it runs.
    pub(super) needs: Vec<Arc<TempDir>>,
    /// Whether the log is shown when the node is dropped.
    pub(super) shows_log: bool,
    /// Whether course content is to be on an origin of its own. None: as the host has it.
    pub(super) is_apart: Option<bool>,
    /// Where it was, if the node ran before. 0: nowhere.
    pub(super) content_port: u16,
}

impl Builder {
    /// Keeps state on the disk that the build is on: the system's folder for temporary files may
    /// be in memory, where writes cost nothing.
    pub fn on_disk(mut self) -> Result<Self> {
        self.folder = Arc::new(TempDir::new_in(repository("target"))?);
        Ok(self)
    }

    /// Keeps state in a folder of the caller's.
    pub fn in_folder(mut self, folder: Arc<TempDir>) -> Self {
        self.folder = folder;
        self
    }

    /// Leaves the log unshown, for programs that have an output of their own.
    pub fn quiet(mut self) -> Self {
        self.shows_log = false;
        self
    }

    /// Keeps a folder for as long as the node runs.
    pub fn needs(mut self, folder: Arc<TempDir>) -> Self {
        self.needs.push(folder);
        self
    }

    /// Sets a variable of the app.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses another manifest.
    pub fn manifest(mut self, path: &Path) -> Self {
        self.manifest = path.to_owned();
        self
    }

    /// Has `hedge doctor` look at the node, which listens or would listen on this port.
    pub fn doctor(&self, port: u16) -> Doctor {
        let (manifest, config) = (&self.manifest, &self.runtime_config);
        Doctor::of(manifest, config, Arc::clone(&self.folder), &self.variables, port)
    }

    /// Uses another `runtime-config.toml`.
    pub fn runtime_config(mut self, path: &Path) -> Self {
        self.runtime_config = path.to_owned();
        self
    }

    /// Has course content run on the portal's origin, or on one of its own.
    pub fn apart(mut self, is_apart: bool) -> Self {
        self.is_apart = Some(is_apart);
        self
    }

    /// Adds an argument to the host's command line.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Adds to the environment of the process.
    pub fn environment(mut self, variables: Vec<(String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Works in the state folder of another node, which should have ended.
    pub fn in_folder_of(mut self, node: &Node) -> Self {
        self.folder = Arc::clone(&node.builder.folder);
        self
    }

    /// The state folder, which is also the working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the node on a free port and waits until it answers.
    pub fn start(self) -> Result<Node> {
        for _ in 0..PORT_TRIES {
            let port = port::free()?;
            let log = Log::default();
            let mut process = Process::start(&mut self.command(port)?, &log)?;
            match ready(&mut process, port, &log) {
                Ok(()) => {
                    let history = String::new();
                    let _ticker = self.ticker(port);
                    return Ok(Node { builder: self, port, process, log, history, _ticker });
                }
                Err(_) if is_port_taken(&log.text()) => continue,
                Err(error) => return Err(error),
            }
        }
        bail!("no port stayed free, {PORT_TRIES} times in a row")
    }

    /// Starts a node that is not expected to come up; answers how it ended and what it said.
    pub fn fail(self) -> Result<(ExitStatus, String)> {
        let log = Log::default();
        // Any port will do, and so none can be taken.
        let mut process = Process::start(&mut self.command(0)?, &log)?;
        let status = process.wait();
        // Its last words may still be on their way.
        eventually("the log is complete", || Ok(log.is_complete().then_some(())))?;
        Ok((status.with_context(|| log.text())?, log.text()))
    }

    /// Keeps a `sync_interval` of milliseconds on a host that does not. Longer ones are for tests
    /// that tick themselves.
    fn ticker(&self, port: u16) -> Option<Ticker> {
        let (_, interval) = self.variables.iter().find(|(name, _)| name == "sync_interval")?;
        let interval = interval.strip_suffix("ms")?.parse().ok().map(Duration::from_millis)?;
        let client = Client::new(&format!("http://127.0.0.1:{port}")).with_basic(Node::CLIENT);
        (self.is_of_this_build() && !is_own_host()).then(|| Ticker::start(client, interval))
    }

    /// Whether the node is of the tests' own build, and not of one in another folder.
    fn is_of_this_build(&self) -> bool {
        self.hedge == repository(HEDGE)
    }

    /// Whether this repository's host runs it.
    fn is_own_host(&self) -> bool {
        !self.is_of_this_build() || is_own_host()
    }

    pub(super) fn command(&self, port: u16) -> Result<Command> {
        let host = env::var("HEDGE_TEST_HOST").ok().filter(|_| self.is_of_this_build());
        let host = host.unwrap_or_default();
        let mut words = host.split_whitespace();
        let mut command = match words.next() {
            Some(program) => Command::new(program),
            None => Command::new(&self.hedge),
        };
        if host.trim().is_empty() {
            command.arg("up");
        }
        command.args(words);
        // Every error that the host deals with would pay for a backtrace.
        command.env_remove("RUST_BACKTRACE");
        command.arg("-f").arg(&self.manifest);
        command.arg("--runtime-config-file").arg(&self.runtime_config);
        command.arg("--state-dir").arg(self.folder.path());
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        for (name, value) in &self.variables {
            command.args(["--variable", &format!("{name}={value}")]);
        }
        match self.is_apart {
            Some(false) if self.is_own_host() => {
                command.args(["--content-listen", "none"]);
            }
            None if self.content_port == 0 => {}
            // The next port may be that of another test's node.
            None | Some(true) if self.is_own_host() => {
                command.args(["--content-listen", &format!("127.0.0.1:{}", self.content_port)]);
            }
            // A host with one listener has two names.
            Some(true) => {
                command.args(["--variable", &format!("content_origin=http://localhost:{port}")]);
            }
            _ => {}
        }
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path());
        Ok(command)
    }
}
