//! nginx on this machine, serving the files that nodes serve: what a web server makes of it that
//! has no database, no sandbox and no learners.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hedgeschool_tests::{Node, eventually, repository};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::target::{LARGE, SMALL, Sample, Target};

/// Where Debian has it, which is not on everybody's path.
const DEBIAN_PROGRAM: &str = "/usr/sbin/nginx";

/// A server of our own, ended when it is dropped.
pub struct Nginx {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Nginx {
    /// Starts one on a free port, and waits until it listens.
    pub fn start() -> Result<Self> {
        let folder = TempDir::new_in(repository("target"))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        for sample in [SMALL, LARGE] {
            fs::write(folder.path().join(sample.name), sample.content())?;
        }
        fs::write(folder.path().join("nginx.conf"), configuration(port))?;
        let process = spawn(folder.path())?;
        let mut nginx = Self { process, port, folder };
        eventually("nginx listens", || nginx.listens())?;
        Ok(nginx)
    }

    /// `GET` of a sample.
    pub fn file(&self, sample: Sample) -> Result<Target> {
        Target::at(self.port).get(&[format!("/{}", sample.name)])
    }

    /// How long its workers have kept a processor busy.
    pub fn processor_time(&self) -> Result<Duration> {
        let master = self.process.id();
        let workers = fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        let workers = workers.split_whitespace();
        workers.map(|worker| Node::processor_time_of(worker.parse()?)).sum()
    }

    fn listens(&mut self) -> Result<Option<()>> {
        if let Some(status) = self.process.try_wait()? {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            bail!("nginx ended with {status}: {log}");
        }
        Ok(TcpStream::connect(("127.0.0.1", self.port)).ok().map(drop))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers would stay behind if it were killed.
        let _ = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path) -> Result<Child> {
    let is_there = Path::new(DEBIAN_PROGRAM).exists();
    let mut command = Command::new(if is_there { DEBIAN_PROGRAM } else { "nginx" });
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(folder.join("log"))?);
    command.spawn().context("starting nginx, which files are compared with (Debian: nginx)")
}

/// As Debian configures it, without a log, and with connections kept as long as they are used.
fn configuration(port: u16) -> String {
    // Started by root, its workers would be somebody who may not look into the folder.
    let user = if geteuid().is_root() { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|kind| format!("{kind}_temp_path {kind};")).join(" ");
    format!(
        "{user}
        daemon off;
        master_process on;
        worker_processes auto;
        pid nginx.pid;
        error_log stderr;
        events {{ worker_connections 768; }}
        http {{
            {temporary}
            access_log off;
            sendfile on;
            tcp_nopush on;
            keepalive_requests 1000000000;
            types {{ text/html html; }}
            server {{ listen 127.0.0.1:{port}; root .; }}
        }}"
    )
}
