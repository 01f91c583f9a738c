//! What is known of a node before it is looked at: its manifest and its configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use hedgeschool_doctor::settings::{self, Settings};
use hedgeschool_doctor::{Check, Finding, Report};

use super::words::one_line;
use crate::manifest::Application;
use crate::runtime_config::{KeyValueBackend, RuntimeConfig};
use crate::stores::check_folder;
use crate::ticker::Schedule;
use crate::variables::{EnvironmentNames, Overrides, Variables};

/// What environment variables begin with that set variables of the app.
const ENVIRONMENT: &str = "SPIN_VARIABLE_";

/// Where this program is in containers of the shim.
const IN_CONTAINERS: &str = "/.hedge";

/// What to look at.
#[derive(Debug)]
pub struct DoctorOptions {
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
pub struct Subject {
    /// The app.
    pub application: Application,
    /// Values of variables. None: they do not resolve.
    pub variables: Option<Variables>,
    /// The files of its databases that are configured, with the labels behind which they are.
    pub files: BTreeMap<PathBuf, BTreeSet<String>>,
    /// Redis servers of key-value stores.
    pub redis: BTreeSet<String>,
}

impl Subject {
    /// A variable that has a value.
    pub fn variable_value(&self, name: &str) -> Option<&str> {
        let value = self.variables.as_ref()?.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }
}

/// Reads the configuration. None: not even where to look can be known; that was noted.
pub fn read_subject(options: &DoctorOptions, report: &mut Report) -> Result<Option<Subject>> {
    let path = &options.manifest;
    let file = if path.is_dir() { path.join("spin.toml") } else { path.clone() };
    fs::metadata(&file).with_context(|| {
        format!("there is no manifest {}: name the node's with --from", file.display())
    })?;
    let application = match Application::load(path) {
        Ok(application) => application,
        Err(error) => {
            let advice = "Correct the manifest, or take the one of the release anew.";
            let found = Finding::wrong(Check::Manifest, one_line(&error), advice);
            report.saw(Check::Manifest, [found]);
            return Ok(None);
        }
    };
    report.saw(Check::Manifest, []);
    let variables = resolve_variables(&application, options, report);
    let config = match &options.runtime_config {
        Ok(config) => config,
        Err(error) => {
            report.saw(Check::RuntimeConfig, [config_finding(error)]);
            return Ok(None);
        }
    };
    report.saw(Check::RuntimeConfig, judge_config(&application, config));
    let files = database_files(&application, config);
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
fn resolve_variables(
    application: &Application,
    options: &DoctorOptions,
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
            let found = Finding::wrong(Check::Variables, one_line(&error), advice);
            report.saw(Check::Variables, [found]);
            None
        }
    }
}

fn config_finding(error: &anyhow::Error) -> Finding {
    let advice = "Correct the runtime configuration, or name the right one with \
                  --runtime-config-file: runtime-config.toml of the release shows what there is.";
    Finding::wrong(Check::RuntimeConfig, one_line(error), advice)
}

fn judge_config(application: &Application, config: &RuntimeConfig) -> Vec<Finding> {
    let unlabelled = application.components.iter().find_map(|(id, component)| {
        let labels = (&component.sqlite_databases, &component.key_value_stores);
        config.check_labels(id, labels.0, labels.1).err()
    });
    let mut found: Vec<_> = unlabelled.iter().map(config_finding).collect();
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
    let folders = database_files(application, config);
    let missing = folders.keys().find_map(|file| check_folder(file, &config.state_dir).err());
    found.extend(missing.iter().map(config_finding));
    found
}

/// The files behind the labels that the app's components are granted.
fn database_files(
    application: &Application,
    config: &RuntimeConfig,
) -> BTreeMap<PathBuf, BTreeSet<String>> {
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
