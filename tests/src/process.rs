use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::eventually;
use crate::log::Log;

/// A process, with those it starts itself, as one group: a host may be a launcher with a child.
pub struct Process {
    child: Child,
    group: Pid,
}

impl Process {
    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Starts a command in a group of its own, its output going to the log.
    pub fn start(command: &mut Command, log: &Log) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        if let Some(pipe) = child.stdout.take() {
            log.collect(pipe);
        }
        if let Some(pipe) = child.stderr.take() {
            log.collect(pipe);
        }
        let group = Pid::from_child(&child);
        Ok(Self { child, group })
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL, to the whole group.
    pub fn kill(&mut self) -> Result<()> {
        // The group may be gone already.
        let _ = kill_process_group(self.group, Signal::KILL);
        self.child.wait()?;
        Ok(())
    }

    /// A signal, to the whole group.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process_group(self.group, signal)?)
    }

    /// SIGTERM, to the whole group, and waits for the end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait()
    }

    /// Waits for the end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        eventually("the process ends", || self.ended())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The processes that run, each with the words of its command line.
pub fn running() -> Result<Vec<(u32, Vec<String>)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(pid) = entry?.file_name().to_string_lossy().parse() else { continue };
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        found.push((pid, line.split('\0').map(str::to_owned).collect()));
    }
    Ok(found)
}
