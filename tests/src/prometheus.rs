//! A Prometheus 3 of the test's own, and a vmagent, started as `k3s/monitoring` has pods start
//! them: with its arguments, in other folders.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::log::Log;
use crate::process::Process;
use crate::{Client, address, eventually, repository};

/// Where the programs are, as `cargo xtask test --monitoring` has built them.
const PROGRAMS: &str = "HEDGE_TEST_MONITORING";
/// The account of [`Prometheus::start_region`], and a hash of its password.
pub const ACCOUNT: &str = "galway:a-test-password";
const WEB: &str = "basic_auth_users:\n  \
    galway: $2b$04$RCELC4DPgK1rSRSvo7/lIu.wHzLh69Nb9JOOWJ1E61X0YwSRV7IoS\n";

/// Where a program is; none, if this is no run of tests that start it.
pub fn program(name: &str) -> Result<Option<PathBuf>> {
    let Some(folders) = env::var_os(PROGRAMS) else { return Ok(None) };
    let mut programs = env::split_paths(&folders).map(|folder| folder.join(name));
    let found = programs.find(|program| program.is_file());
    Ok(Some(found.with_context(|| format!("{PROGRAMS} has no {name}"))?))
}

/// A program in a folder of its own. Stopped when dropped.
pub struct Server {
    command: Command,
    client: Client,
    process: Process,
    log: Log,
}

impl Server {
    fn start(mut command: Command, client: Client, ready: &'static str) -> Result<Self> {
        let log = Log::default();
        let process = Process::start(&mut command, &log)?;
        let mut server = Self { command, client, process, log };
        server.await_ready(ready)?;
        Ok(server)
    }

    fn await_ready(&mut self, ready: &str) -> Result<()> {
        eventually("the server is ready", || {
            if let Some(status) = self.process.ended()? {
                bail!("it ended with {status}: {}", self.log.text());
            }
            Ok(self.client.get(ready).is_ok_and(|it| it.status == 200).then_some(()))
        })
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts again in the same folder, without waiting.
    pub fn restart(&mut self) -> Result<()> {
        self.process = Process::start(&mut self.command, &self.log)?;
        Ok(())
    }

    /// What it has printed.
    pub fn log(&self) -> String {
        self.log.text()
    }
}

/// A vmagent that sends to an address, from a folder.
pub fn vmagent(folder: &Path, port: u16, to: &str) -> Result<Server> {
    let program = program("vmagent")?.context("no vmagent")?;
    let (name, password) = ACCOUNT.split_once(':').context("no password")?;
    fs::write(folder.join("username"), name)?;
    fs::write(folder.join("password"), password)?;
    let mut command = Command::new(program);
    for argument in arguments("edge", "vmagent")? {
        let argument = argument.replace("$(REGION_URL)", to);
        let argument = argument.replace("/etc/region", &folder.display().to_string());
        let argument = argument.replace("/queue", &folder.join("queue").display().to_string());
        command.arg(argument.replace(":8429", &format!("127.0.0.1:{port}")));
    }
    command.current_dir(folder);
    Server::start(command, Client::new(&format!("http://127.0.0.1:{port}")), "/health")
}

/// The arguments that a container of `k3s/monitoring` starts with.
fn arguments(place: &str, container: &str) -> Result<Vec<String>> {
    let file = format!("k3s/monitoring/{place}/prometheus.yaml");
    let text = fs::read_to_string(repository(&file)).with_context(|| file.clone())?;
    let first = text.split("\n---\n").next().unwrap_or_default();
    let manifest: Value = serde_saphyr::from_str(first)?;
    let containers = manifest.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let is_it = |it: &&Value| it.get("name").is_some_and(|name| name == container);
    let found = containers.and_then(|all| all.iter().find(is_it));
    let words = found.and_then(|it| it.get("args")?.as_array()).context("no arguments")?;
    Ok(words.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect())
}

/// A Prometheus.
pub struct Prometheus {
    server: Server,
}

/// A series and its samples: when, and what.
pub struct Series {
    /// What it is of.
    pub labels: BTreeMap<String, String>,
    /// Seconds since 1970, and the value.
    pub samples: Vec<(f64, f64)>,
}

impl Prometheus {
    /// Starts one of an edge or a region with this configuration. What the configuration and the
    /// manifest have in `/etc` is in the folder.
    pub fn start(place: &str, folder: &Path, port: u16, config: &str) -> Result<Self> {
        let program = program("prometheus")?.context("no Prometheus")?;
        let inside = |text: &str| text.replace("/etc/", &format!("{}/", folder.display()));
        for name in ["prometheus", "web"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::write(folder.join("prometheus/prometheus.yml"), inside(config))?;
        fs::write(folder.join("web/web.yml"), WEB)?;
        let mut command = Command::new(program);
        for argument in arguments(place, "prometheus")? {
            let data = format!("path={}", folder.join("data").display());
            command.arg(inside(&argument).replace("path=/prometheus", &data));
        }
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.current_dir(folder);
        let client = Client::new(&format!("http://127.0.0.1:{port}")).with_basic(ACCOUNT);
        Ok(Self { server: Server::start(command, client, "/-/ready")? })
    }

    /// The process.
    pub fn server(&mut self) -> &mut Server {
        &mut self.server
    }

    /// What its interface answers.
    fn ask(&self, path: &str) -> Result<Value> {
        let answer = self.server.client.get(path)?.expect(200)?.json()?;
        answer.get("data").cloned().context("no data")
    }

    /// The alerts that fire.
    pub fn firing(&self) -> Result<Vec<BTreeMap<String, String>>> {
        let data = self.ask("/api/v1/alerts")?;
        let alerts = data.get("alerts").and_then(Value::as_array).context("no alerts")?;
        let fires = alerts.iter().filter(|it| it.get("state").is_some_and(|it| it == "firing"));
        Ok(fires.map(|it| labels(it.get("labels"))).collect())
    }

    /// What it has found wrong with a page that it reads, by the page's address.
    pub fn problems(&self) -> Result<BTreeMap<String, String>> {
        let data = self.ask("/api/v1/targets?state=active")?;
        let targets = data.get("activeTargets").and_then(Value::as_array).context("no targets")?;
        let text = |it: &Value, key| it.get(key).and_then(Value::as_str).map(str::to_owned);
        let problem = |it: &Value| Some((text(it, "scrapeUrl")?, text(it, "lastError")?));
        Ok(targets.iter().filter_map(problem).collect())
    }

    /// What an expression is now: raw samples, if it is a range.
    pub fn query(&self, expression: &str) -> Result<Vec<Series>> {
        self.series(&address("/api/v1/query", &[("query", expression)]))
    }

    /// What an expression was each second until now.
    pub fn range(&self, expression: &str, seconds: u64) -> Result<Vec<Series>> {
        let end = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let [start, end] = [end.saturating_sub(seconds), end].map(|it| it.to_string());
        let words = [("query", expression), ("start", &start), ("end", &end), ("step", "1")];
        self.series(&address("/api/v1/query_range", &words))
    }

    fn series(&self, path: &str) -> Result<Vec<Series>> {
        let data = self.ask(path)?;
        let result = data.get("result").and_then(Value::as_array).context("no result")?;
        ensure!(data.get("resultType").is_some_and(|it| it != "scalar"), "a scalar");
        Ok(result.iter().map(series).collect())
    }
}

fn labels(value: Option<&Value>) -> BTreeMap<String, String> {
    let fields = value.and_then(Value::as_object).into_iter().flatten();
    fields.filter_map(|(name, it)| Some((name.clone(), it.as_str()?.to_owned()))).collect()
}

fn series(value: &Value) -> Series {
    let several = value.get("values").and_then(Value::as_array).cloned();
    let samples = several.unwrap_or_else(|| value.get("value").cloned().into_iter().collect());
    let sample = |it: &Value| Some((it.get(0)?.as_f64()?, it.get(1)?.as_str()?.parse().ok()?));
    Series {
        labels: labels(value.get("metric")),
        samples: samples.iter().filter_map(sample).collect(),
    }
}
