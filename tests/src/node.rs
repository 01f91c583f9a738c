mod builder;

use std::fs;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub use builder::Builder;

use crate::log::Log;
use crate::process::Process;
use crate::ticker::Ticker;
use crate::{Client, Doctor, eventually, is_own_host, repository};

/// The embedded host, below the folder of a build.
const HEDGE: &str = "target/host/hedge";

/// How long a node may take to its first answer.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(10);

/// A node: a process of its own with a state folder of its own. Dropped, it is killed and its log
/// shown, which a test that passes does not print.
pub struct Node {
    builder: Builder,
    port: u16,
    process: Process,
    /// What this process has printed.
    log: Log,
    /// What those before it had printed.
    history: String,
    /// Runs rounds of replication where the host does not.
    _ticker: Option<Ticker>,
}

impl Node {
    /// The administrator of [`Node::builder`]'s nodes, `name:password`.
    pub const ADMIN: &str = "admin:a-test-password";
    /// Their xAPI client, `key:secret`.
    pub const CLIENT: &str = "test:a-test-secret";

    /// A node of this repository's app.
    pub fn builder() -> Result<Builder> {
        Ok(Self::builder_of(&repository(""))?.apart(true))
    }

    /// A node of the build in this folder, an absolute path, with everything where this repository
    /// has it: `spin.toml`, `runtime-config.toml`, `target`. `HEDGE_TEST_HOST` is for this one's
    /// build only.
    pub fn builder_of(root: &Path) -> Result<Builder> {
        let mut builder = Self::app(&root.join("spin.toml"), &root.join("runtime-config.toml"))?;
        builder.hedge = root.join(HEDGE);
        let builder = builder.variable("bootstrap_admin", Self::ADMIN);
        Ok(builder.variable("bootstrap_client", Self::CLIENT))
    }

    /// A node of any app.
    pub fn app(manifest: &Path, runtime_config: &Path) -> Result<Builder> {
        Ok(Builder {
            hedge: repository(HEDGE),
            manifest: manifest.to_owned(),
            runtime_config: runtime_config.to_owned(),
            variables: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: Arc::new(TempDir::new()?),
            needs: Vec::new(),
            shows_log: true,
            is_apart: None,
            content_port: 0,
        })
    }

    /// Starts a node of this repository's app.
    pub fn start() -> Result<Self> {
        Self::builder()?.start()
    }

    /// `http://127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where course content is.
    pub fn content_address(&self) -> String {
        let apart = self.builder.is_apart == Some(true);
        match self.log.text().split_once("Course content: ") {
            Some((_, rest)) => rest.lines().next().unwrap_or_default().to_owned(),
            None if apart && !is_own_host() => format!("http://localhost:{}", self.port),
            None => self.address(),
        }
    }

    /// A client of course content, with the administrator's credentials.
    pub fn content(&self) -> Client {
        Client::new(&self.content_address()).with_basic(Self::ADMIN)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Bytes of memory that its process has now.
    pub fn memory(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process_id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kilobytes.context("a process without VmRSS")? << 10)
    }

    /// How long its process has kept a processor busy.
    pub fn processor_time(&self) -> Result<Duration> {
        Self::processor_time_of(self.process_id())
    }

    /// How long the process with this id, which may be another server's, has kept a processor busy.
    pub fn processor_time_of(process_id: u32) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{process_id}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("a process without a name")?;
        // User and system time, in hundredths of a second (proc(5)).
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks: u64 = ticks.collect::<Result<Vec<_>, _>>()?.iter().sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The state folder.
    pub fn folder(&self) -> &Path {
        self.builder.folder()
    }

    /// A client without credentials.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.address())
    }

    /// A client with the administrator's credentials.
    pub fn admin(&self) -> Client {
        self.anonymous().with_basic(Self::ADMIN)
    }

    /// A client with the xAPI client's credentials, speaking xAPI 1.0.3.
    pub fn xapi(&self) -> Client {
        self.speaking("1.0.3")
    }

    /// The same, speaking any version.
    pub fn speaking(&self, version: &str) -> Client {
        let client = self.anonymous().with_basic(Self::CLIENT);
        client.with_header("x-experience-api-version", version)
    }

    /// The cookie of somebody who signs in by the portal's form, `name:password`.
    pub fn sign_in(&self, credentials: &str) -> Result<String> {
        self.anonymous().sign_in(credentials)
    }

    /// The browser of somebody who has signed in.
    pub fn browser(&self, cookie: &str) -> Client {
        self.anonymous().with_header("cookie", cookie)
    }

    /// Has `hedge doctor` look at it.
    pub fn doctor(&self) -> Doctor {
        self.builder.doctor(self.port)
    }

    /// What the node has printed, restarts included.
    pub fn log(&self) -> String {
        format!("{}{}", self.history, self.log.text())
    }

    /// Gives a variable of the app another value, from the next start on.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.builder.variables.retain(|(known, _)| known != name);
        self.builder.variables.push((name.to_owned(), value.to_owned()));
    }

    /// SIGKILL to the node and whatever it started.
    pub fn kill(&mut self) -> Result<()> {
        self.log.note("SIGKILL");
        self.process.kill()
    }

    /// SIGTERM; waits for the end.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.log.note("SIGTERM");
        self.process.terminate()
    }

    /// Starts again after an end, on the same port and in the same folder, and waits until it
    /// answers.
    pub fn restart(&mut self) -> Result<()> {
        self.spawn()?;
        self.await_ready()
    }

    /// Starts again, without waiting for anything. Browsers find the same origins.
    pub fn spawn(&mut self) -> Result<()> {
        let content = self.content_address();
        let port = content.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        if let Some(port) = port.filter(|port| *port != self.port) {
            self.builder.content_port = port;
        }
        let mut command = self.builder.command(self.port)?;
        self.log.note("restart");
        self.history += &self.log.text();
        self.log = Log::default();
        self.process = Process::start(&mut command, &self.log)?;
        Ok(())
    }

    /// Waits until the node serves.
    pub fn await_ready(&mut self) -> Result<()> {
        ready(&mut self.process, self.port, &self.log)
    }

    /// Waits for a 200 from this address, asking again at once.
    pub fn first_answer(&mut self, path: &str) -> Result<()> {
        let (client, start) = (self.anonymous(), Instant::now());
        while start.elapsed() < FIRST_ANSWER_MAX {
            if let Ok(response) = client.get(path) {
                return response.expect(200).map(drop);
            }
            if let Some(status) = self.process.ended()? {
                bail!("the node ended with {status}: {}", self.log.text());
            }
        }
        bail!("no answer within {FIRST_ANSWER_MAX:?}: {}", self.log.text())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.builder.shows_log {
            println!("--- log of the node on port {}:\n{}", self.port, self.log());
        }
    }
}

/// Waits until a node says that it serves, and does.
fn ready(process: &mut Process, port: u16, log: &Log) -> Result<()> {
    let client = Client::new(&format!("http://127.0.0.1:{port}"));
    eventually("the node serves", || {
        if let Some(status) = process.ended()? {
            bail!("the node ended with {status}");
        }
        if !log.text().contains("Serving http://") {
            return Ok(None);
        }
        let health = client.get("/.well-known/spin/health");
        Ok(health.is_ok_and(|response| response.status == 200).then_some(()))
    })
    .with_context(|| format!("log of the node:\n{}", log.text()))
}

fn is_port_taken(log: &str) -> bool {
    let log = log.to_lowercase();
    log.contains("address already in use") || log.contains("address in use")
}
