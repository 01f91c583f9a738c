//! `hedge doctor`: looks at a node from its own machine, and says what is wrong with it.
//!
//! This module observes; what an observation means is judged by `hedgeschool-doctor`. Nothing is
//! modified: files are opened for reading, databases in the way of
//! [`hedge_sqlite::inspect`], and the nodes are asked nothing that they would note.
//!
//! Of the app it knows what everybody does who deploys it: its variables (`spin.toml`), its routes
//! over HTTP, and what its stores say of themselves in their files. No data of theirs is read.

mod components;
mod databases;
mod link;
mod machine;
mod node;
mod process;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use hedgeschool_doctor::settings::{self, Settings};
use hedgeschool_doctor::{Check, Finding, Report, backup, clock};
use jiff::Timestamp;

use crate::backup::{Progress, verify};
use crate::manifest::Application;
use crate::runtime_config::{KeyValueBackend, RuntimeConfig};
use crate::ticker::Schedule;
use crate::variables::{EnvironmentNames, Overrides, Variables};

/// What environment variables begin with that set variables of the app.
const ENVIRONMENT: &str = "SPIN_VARIABLE_";

/// Where this program is in containers of the shim.
const IN_CONTAINERS: &str = "/.hedge";

/// What to look at.
#[derive(Debug)]
pub struct Options {
    /// The manifest, or the folder it is in.
    pub manifest: PathBuf,
    /// Reads the runtime configuration.
    pub runtime_config: Result<RuntimeConfig>,
    /// Values of application variables.
    pub variables: Overrides,
    /// Where the node listens.
    pub listen: SocketAddr,
    /// Where it answers, if that is not there.
    pub url: Option<String>,
    /// Who asks it, `name:password`.
    pub user: Option<String>,
    /// A backup to look at.
    pub backup: Option<PathBuf>,
    /// How long to look at each database.
    pub database_time_max: Duration,
}

/// What is known of a node before it is looked at.
struct Subject {
    application: Application,
    /// Values of variables. None: they do not resolve.
    variables: Option<Variables>,
    /// The files of its databases that are configured, with the labels behind which they are.
    files: BTreeMap<PathBuf, BTreeSet<String>>,
    /// Redis servers of key-value stores.
    redis: BTreeSet<String>,
}

impl Subject {
    /// A variable that has a value.
    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.as_ref()?.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }
}

/// Looks at a node.
///
/// # Errors
/// When there is no manifest to begin with.
pub fn examine(options: Options) -> Result<Report> {
    let mut report = Report::new(env!("CARGO_PKG_VERSION"));
    let Some(subject) = subject(&options, &mut report)? else {
        unseen(&mut report, "without a manifest and a configuration nobody knows what there is");
        return Ok(report.finish());
    };
    let known = components::look(&subject.application, &mut report);
    let running = process::look(&subject, &options, &mut report);
    machine::look(&subject, &mut report);
    databases::look(&subject, &known, running.is_open, options.database_time_max, &mut report);
    look_at_clock(&subject, &mut report);
    link::look(&subject, &mut report);
    node::look(&subject, &options, &running, &mut report);
    look_at_backup(options.backup.as_deref(), &mut report);
    unseen(&mut report, "there was no way to look at it");
    Ok(report.finish())
}

/// Whatever was not looked at was not looked at.
fn unseen(report: &mut Report, why: &str) {
    for check in Check::all() {
        if !report.has_seen(check) {
            report.could_not_see(check, why);
        }
    }
}

/// Reads the configuration. None: not even where to look can be known; that was noted.
fn subject(options: &Options, report: &mut Report) -> Result<Option<Subject>> {
    let path = &options.manifest;
    let file = if path.is_dir() { path.join("spin.toml") } else { path.clone() };
    fs::metadata(&file).with_context(|| {
        format!("there is no manifest {}: name the node's with --from", file.display())
    })?;
    let application = match Application::load(path) {
        Ok(application) => application,
        Err(error) => {
            let advice = "Correct the manifest, or take the one of the release anew.";
            let found = Finding::wrong(Check::Manifest, sentence(&error), advice);
            report.saw(Check::Manifest, [found]);
            return Ok(None);
        }
    };
    report.saw(Check::Manifest, []);
    let variables = variables(&application, options, report);
    let config = match &options.runtime_config {
        Ok(config) => config,
        Err(error) => {
            report.saw(Check::RuntimeConfig, [misconfigured(error)]);
            return Ok(None);
        }
    };
    report.saw(Check::RuntimeConfig, judge_config(&application, config));
    let files = files(&application, config);
    let is_new = !files.keys().any(|file| file.exists());
    if let Some(variables) = &variables {
        let all = application.variables.keys();
        let all = all.filter_map(|name| Some((name.clone(), variables.get(name)?.to_owned())));
        report.saw(Check::Variables, Settings(all.collect()).judge(is_new));
    }
    let backends = config.key_value_stores.iter().filter(|(label, _)| {
        application.components.values().any(|it| it.key_value_stores.contains(*label))
    });
    let redis = backends.filter_map(|(_, backend)| match backend {
        KeyValueBackend::Redis(url) => Some(url.clone()),
        KeyValueBackend::File(_) => None,
    });
    let redis = redis.collect();
    Ok(Some(Subject { application, variables, files, redis }))
}

/// The values of variables, if they resolve.
fn variables(
    application: &Application,
    options: &Options,
    report: &mut Report,
) -> Option<Variables> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let strange = names.filter(|name| {
        let variable = name.strip_prefix(ENVIRONMENT).map(str::to_lowercase);
        variable.is_some_and(|variable| !application.variables.contains_key(&variable))
    });
    report.saw(Check::Variables, strange.map(|name| settings::unknown(&name)));
    let environment = |name: &str| std::env::var(name).ok();
    // Where the shim has put this program, the environment is nobody's shell.
    let is_in_container =
        std::env::current_exe().is_ok_and(|program| program.starts_with(IN_CONTAINERS));
    let names = match is_in_container {
        true => EnvironmentNames::PrefixedOrPlain,
        false => EnvironmentNames::Prefixed,
    };
    let resolved =
        Variables::resolve(&application.variables, &options.variables, names, environment);
    let checked = resolved.and_then(|values| Schedule::from_variables(&values).map(|_| values));
    let advice = "Correct the value: spin.toml says under [variables] what each may be.";
    match checked {
        Ok(values) => Some(values),
        Err(error) => {
            let found = Finding::wrong(Check::Variables, sentence(&error), advice);
            report.saw(Check::Variables, [found]);
            None
        }
    }
}

fn misconfigured(error: &anyhow::Error) -> Finding {
    let advice = "Correct the runtime configuration, or name the right one with \
                  --runtime-config-file: runtime-config.toml of the release shows what there is.";
    Finding::wrong(Check::RuntimeConfig, sentence(error), advice)
}

fn judge_config(application: &Application, config: &RuntimeConfig) -> Vec<Finding> {
    let unlabelled = application.components.iter().find_map(|(id, component)| {
        let labels = (&component.sqlite_databases, &component.key_value_stores);
        config.check_labels(id, labels.0, labels.1).err()
    });
    let mut found: Vec<_> = unlabelled.iter().map(misconfigured).collect();
    if let Some(label) = config.unanchored.first() {
        found.push(Finding::warning(
            Check::RuntimeConfig,
            format!(
                "Where the database {label} is depends on the folder in which the node is started: \
                 its path is relative, and no state folder is named."
            ),
            "Name one with --state-dir, or write the path in full: else a start in another folder \
             begins with empty databases.",
        ));
    }
    let folders = files(application, config);
    let missing =
        folders.keys().find_map(|file| crate::stores::check_folder(file, &config.state_dir).err());
    found.extend(missing.iter().map(misconfigured));
    found
}

/// The files behind the labels that the app's components are granted.
fn files(application: &Application, config: &RuntimeConfig) -> BTreeMap<PathBuf, BTreeSet<String>> {
    let mut files = BTreeMap::<_, BTreeSet<_>>::new();
    for component in application.components.values() {
        for label in &component.sqlite_databases {
            if let Some(path) = config.sqlite_databases.get(label) {
                files.entry(path.clone()).or_default().insert(label.clone());
            }
        }
        for label in &component.key_value_stores {
            if let Some(KeyValueBackend::File(path)) = config.key_value_stores.get(label) {
                files.entry(path.clone()).or_default();
            }
        }
    }
    files
}

/// Judges the clock by the files of the node: none can have been changed in the future.
fn look_at_clock(subject: &Subject, report: &mut Report) {
    let program = std::env::current_exe().ok();
    let sources = subject.application.components.values().map(|component| component.source.clone());
    let files = subject.files.keys().flat_map(|file| [file.clone(), beside(file, "-wal")]);
    let changed = files.chain(sources).chain(program).filter_map(|file| {
        let changed = fs::metadata(&file).and_then(|file| file.modified()).ok()?;
        Some((seconds(changed), file))
    });
    let newest = changed.max();
    let found = newest.and_then(|(changed_s, file)| {
        clock::behind(seconds(SystemTime::now()), &file.display().to_string(), changed_s)
    });
    report.saw(Check::Clock, found);
}

/// Nobody is told how far it is.
struct Silently;

impl Progress for Silently {
    fn begin(&self, _: &str) {}
    fn bytes(&self, _: u64, _: u64) {}
}

fn look_at_backup(folder: Option<&Path>, report: &mut Report) {
    let Some(folder) = folder else {
        return report.could_not_see(Check::Backup, "none was named: --backup FOLDER");
    };
    let found = match verify(folder, &Silently) {
        Err(error) => Some(backup::unusable(&sentence(&error))),
        Ok(made_at) => match made_at.parse::<Timestamp>() {
            Err(error) => Some(backup::unusable(&error.to_string())),
            Ok(made) => backup::judge_age(seconds(SystemTime::now()), made.as_second()),
        },
    };
    report.saw(Check::Backup, found);
}

/// An error in one line.
fn sentence(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

/// A file that lies beside another.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Seconds since 1970.
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
