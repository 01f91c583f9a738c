use std::process::Command;

use anyhow::{Result, bail};
use redis::{Cmd, FromRedisValue};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::log::Log;
use crate::process::Process;
use crate::{eventually, port};

/// A Redis server of the test's own, from Debian, which keeps nothing on disk. Stopped when
/// dropped.
pub struct Redis {
    port: u16,
    folder: TempDir,
    process: Process,
}

impl Redis {
    /// Starts a server on a free port.
    pub fn start() -> Result<Self> {
        let (port, folder) = (port::free()?, TempDir::new()?);
        let process = spawn(port, &folder)?;
        Ok(Self { port, folder, process })
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL: what it had is lost.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts again on the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.process = spawn(self.port, &self.folder)?;
        Ok(())
    }

    /// SIGSTOP: connections are taken and nothing is answered.
    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Asks it something.
    pub fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        Ok(command.query(&mut connection)?)
    }
}

/// Starts a server and waits until it says that it listens. Not by connecting: on loopback a
/// connection to a free port may meet itself.
fn spawn(port: u16, folder: &TempDir) -> Result<Process> {
    let mut command = Command::new("redis-server");
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
    command.arg(folder.path());
    let log = Log::default();
    let mut process = Process::start(&mut command, &log)?;
    eventually("redis-server listens (Debian: apt-get install redis-server)", || {
        if let Some(status) = process.ended()? {
            bail!("redis-server ended with {status}: {}", log.text());
        }
        Ok(log.text().contains("Ready to accept").then_some(()))
    })?;
    Ok(process)
}
