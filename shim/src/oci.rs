//! The OCI runtime below, by its command line: it makes containers as any other pod's are made.
//!
//! `runc` is on every node that has containerd; `crun` knows the same commands.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use rustix::process::Pid;
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::exits::Exits;
use crate::options::Options;

/// Where the runtime notes what it has to say, in the bundle.
const LOG: &str = "runtime.log";
/// Where it writes the number of a process that it made, in the bundle.
const PID: &str = "runtime.pid";

/// What a process is started with, as the runtime passes it on.
#[derive(Debug, Default)]
pub struct Handles {
    /// Its standard input, output and error. None: `/dev/null`.
    pub streams: [Option<std::os::fd::OwnedFd>; 3],
    /// The socket that is sent its terminal, if it has one.
    pub console: Option<PathBuf>,
}

/// The runtime, for the containers of one bundle.
#[derive(Debug)]
pub struct Runtime {
    program: PathBuf,
    global: Vec<String>,
    bundle: PathBuf,
    exits: Arc<Exits>,
}

/// A line of the runtime's log.
#[derive(Deserialize)]
struct Line {
    level: String,
    msg: String,
}

impl Runtime {
    /// The runtime that `options` name, for containers of `namespace`.
    pub fn new(options: &Options, namespace: &str, bundle: &Path, exits: Arc<Exits>) -> Self {
        let mut global =
            vec!["--root".to_owned(), options.state_root(namespace, bundle).display().to_string()];
        global.extend(["--log".to_owned(), bundle.join(LOG).display().to_string()]);
        global.extend(["--log-format".to_owned(), "json".to_owned()]);
        if options.systemd_cgroup {
            global.push("--systemd-cgroup".to_owned());
        }
        Self { program: options.program_path(), global, bundle: bundle.to_owned(), exits }
    }

    /// Makes a container that waits to be started, and answers its process.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn create(&self, id: &str, handles: Handles) -> Result<Pid> {
        let bundle = self.bundle.display().to_string();
        self.run_for_process("create", &["--bundle", &bundle], id, handles).await
    }

    /// Runs another process in a container: the one that a JSON file describes.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn exec_process(&self, id: &str, process: &Path, handles: Handles) -> Result<Pid> {
        let process = process.display().to_string();
        self.run_for_process("exec", &["--detach", "--process", &process], id, handles).await
    }

    /// Lets a container's process begin.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn start(&self, id: &str) -> Result<()> {
        self.run_command("start", &[id], Handles::default()).await
    }

    /// Sends a signal to all processes of a container.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn kill_all(&self, id: &str, signal: &str) -> Result<()> {
        self.run_command("kill", &["--all", id, signal], Handles::default()).await
    }

    /// Ends what is left of a container, and takes away what the system keeps of it.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.run_command("delete", &["--force", id], Handles::default()).await
    }

    /// Stops all processes of a container where they are.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn pause(&self, id: &str) -> Result<()> {
        self.run_command("pause", &[id], Handles::default()).await
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn resume(&self, id: &str) -> Result<()> {
        self.run_command("resume", &[id], Handles::default()).await
    }

    /// Gives a container other limits: those of a JSON file.
    ///
    /// # Errors
    /// [`Error::Runtime`] when the runtime refuses it, [`Error::File`] when it cannot be started.
    pub async fn update(&self, id: &str, resources: &Path) -> Result<()> {
        let resources = resources.display().to_string();
        self.run_command("update", &["--resources", &resources, id], Handles::default()).await
    }

    async fn run_for_process(
        &self,
        command: &str,
        arguments: &[&str],
        id: &str,
        handles: Handles,
    ) -> Result<Pid> {
        let file = self.bundle.join(PID);
        let (path, console) = (file.display().to_string(), handles.console.clone());
        let console = console.map(|socket| socket.display().to_string());
        let mut all = arguments.to_vec();
        all.extend(["--pid-file", &path]);
        if let Some(console) = &console {
            all.extend(["--console-socket", console]);
        }
        all.push(id);
        self.run_command(command, &all, handles).await?;
        let text = fs::read_to_string(&file).map_err(Error::file("reading", &file))?;
        let _ = fs::remove_file(&file);
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| self.refusal_of(command, format!("it names no process: {text:?}")))
    }

    async fn run_command(&self, command: &str, arguments: &[&str], handles: Handles) -> Result<()> {
        let [input, output, error] = handles.streams.map(|stream| match stream {
            Some(stream) => Stdio::from(stream),
            None => Stdio::null(),
        });
        let since = Instant::now();
        let child = Command::new(&self.program)
            .args(&self.global)
            .arg(command)
            .args(arguments)
            // It would tell systemd that a service is up.
            .env_remove("NOTIFY_SOCKET")
            .stdin(input)
            .stdout(output)
            .stderr(error)
            .spawn()
            .map_err(Error::file("starting", &self.program))?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let ended = match pid {
            Some(pid) => self.exits.await_exit(pid, since).await.ok(),
            None => None,
        };
        match ended {
            Some(exit) if exit.code == 0 => Ok(()),
            Some(exit) => Err(self.refusal_of(command, self.last_complaint(exit.code))),
            None => Err(self.refusal_of(command, "how it ended is not known".to_owned())),
        }
    }

    fn refusal_of(&self, command: &str, message: String) -> Error {
        let program = self.program.file_name().unwrap_or_else(|| OsStr::new("runtime"));
        let program = program.to_string_lossy().into_owned();
        Error::Runtime { program, command: command.to_owned(), message }
    }

    /// What the runtime said last.
    fn last_complaint(&self, code: u32) -> String {
        let log = fs::read_to_string(self.bundle.join(LOG)).unwrap_or_default();
        let lines = log.lines().rev().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let error = lines.into_iter().find(|line| line.level == "error");
        error.map_or_else(|| format!("ended with code {code}"), |line| line.msg)
    }
}

/// Whether the runtime says that the container is not there any more.
pub fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Runtime { message, .. } if message.contains("does not exist"))
}
