//! `runtime-config.toml`: what stands behind the labels of databases and stores.
//!
//! A relative path is one in the state folder, if one is named: by `--state-dir` or `state_dir`.
//! If none is, paths resolve as under Spin: those of databases from the working directory, those of
//! key-value stores from the configuration file's folder. Only the label `default` exists without
//! being configured; it lives in the state folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

/// The label that needs no configuration.
const DEFAULT: &str = "default";
/// What names of environment variables begin with that set the application's.
const PREFIX: &str = "SPIN_VARIABLE";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    state_dir: Option<PathBuf>,
    #[serde(default)]
    sqlite_database: BTreeMap<String, Backend>,
    #[serde(default)]
    key_value_store: BTreeMap<String, Backend>,
    #[serde(default)]
    outbound_http: OutboundHttpTable,
    #[serde(default, alias = "config_provider")]
    variables_provider: Vec<VariablesProvider>,
}

/// Where values of variables come from. SpinKube's operator writes down what holds anyway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VariablesProvider {
    #[serde(rename = "type")]
    kind: String,
    prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backend {
    #[serde(rename = "type")]
    kind: String,
    path: Option<PathBuf>,
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OutboundHttpTable {
    connection_pooling: bool,
    max_connections: Option<usize>,
    max_concurrent_requests: Option<usize>,
    connect_timeout_seconds: u64,
}

impl Default for OutboundHttpTable {
    fn default() -> Self {
        Self {
            connection_pooling: true,
            max_connections: None,
            max_concurrent_requests: None,
            connect_timeout_seconds: 5,
        }
    }
}

/// What stands behind each label.
#[derive(Debug)]
pub struct RuntimeConfig {
    /// Where `default` stores live. Created when first needed.
    pub state_dir: PathBuf,
    /// The file behind each SQLite label.
    pub sqlite_databases: BTreeMap<String, PathBuf>,
    /// What is behind each key-value label.
    pub key_value_stores: BTreeMap<String, KeyValueBackend>,
    /// How components reach the network.
    pub outbound_http: OutboundHttp,
    /// Labels of databases that are wherever the process is started: their paths are relative, and
    /// no state folder is named.
    pub unanchored: Vec<String>,
}

/// Where state lives when nobody names a folder.
#[derive(Debug, Clone, Copy)]
pub enum Unnamed<'a> {
    /// As under Spin: `default` stores in `.spin` in this folder, which is the manifest's.
    AsUnderSpin(&'a Path),
    /// All of it in this folder.
    In(&'a Path),
}

/// What is behind a key-value label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyValueBackend {
    /// A SQLite file.
    File(PathBuf),
    /// A Redis server, by URL.
    Redis(String),
}

/// `[outbound_http]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundHttp {
    /// Whether connections are kept for the next request.
    pub pooling: bool,
    /// Requests to other machines in flight at one time.
    pub requests_max: usize,
    /// How long a connection may take to come about.
    pub connect_max: Duration,
}

impl RuntimeConfig {
    /// Reads `file`, if there is one. `state_dir` is what `--state-dir` says, `unnamed` holds when
    /// neither that nor the file names a folder.
    ///
    /// # Errors
    /// When the file cannot be read, or says something this host does not know.
    pub fn load(
        file: Option<&Path>,
        state_dir: Option<&Path>,
        unnamed: Unnamed<'_>,
    ) -> Result<Self> {
        let Some(path) = file else {
            return Self::build_config(File::default(), Path::new("."), state_dir, unnamed);
        };
        let context = || format!("in the runtime configuration {}", path.display());
        let text = std::fs::read_to_string(path).with_context(context)?;
        let absolute = std::path::absolute(path)?;
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        let written: File = toml::from_str(&text).with_context(context)?;
        Self::build_config(written, folder, state_dir, unnamed).with_context(context)
    }

    fn build_config(
        written: File,
        folder: &Path,
        state_dir: Option<&Path>,
        unnamed: Unnamed<'_>,
    ) -> Result<Self> {
        let (fallback, folder_without_name) = match unnamed {
            Unnamed::AsUnderSpin(application) => (None, application.join(".spin")),
            Unnamed::In(folder) => (Some(folder), folder.to_owned()),
        };
        let named = state_dir.or(written.state_dir.as_deref()).or(fallback);
        let named = named.map(std::path::absolute).transpose()?;
        let (mut sqlite_databases, mut unanchored) = (BTreeMap::new(), Vec::new());
        for (label, backend) in &written.sqlite_database {
            let path = sqlite_path(backend).with_context(|| format!("sqlite_database.{label}"))?;
            unanchored.extend((named.is_none() && path.is_relative()).then(|| label.clone()));
            let path = resolve_path(path, named.as_deref(), &std::path::absolute(".")?)
                .with_context(|| format!("sqlite_database.{label}"))?;
            sqlite_databases.insert(label.clone(), path);
        }
        let key_value_places = (named.as_deref(), folder);
        let state_dir = named.clone().unwrap_or(folder_without_name);
        let default_file = || state_dir.join("sqlite_db.db");
        sqlite_databases.entry(DEFAULT.to_owned()).or_insert_with(default_file);
        let mut key_value_stores = BTreeMap::new();
        for (label, backend) in &written.key_value_store {
            let context = || format!("key_value_store.{label}");
            let backend = key_value_backend(backend, key_value_places).with_context(context)?;
            key_value_stores.insert(label.clone(), backend);
        }
        let default_file = || KeyValueBackend::File(state_dir.join("sqlite_key_value.db"));
        key_value_stores.entry(DEFAULT.to_owned()).or_insert_with(default_file);
        let outbound_http = outbound_http(&written.outbound_http)?;
        written.variables_provider.iter().try_for_each(check_provider)?;
        Ok(Self { state_dir, sqlite_databases, key_value_stores, outbound_http, unanchored })
    }

    /// Checks that every granted label has something behind it.
    ///
    /// # Errors
    /// For the first label that has not, with the table to add.
    pub fn check_labels(
        &self,
        component: &str,
        sqlite: &BTreeSet<String>,
        key_value: &BTreeSet<String>,
    ) -> Result<()> {
        for label in sqlite {
            ensure!(
                self.sqlite_databases.contains_key(label),
                "[component.{component}] is granted SQLite database {label:?}, which is not \
                 configured: add to the runtime configuration\n  [sqlite_database.{label}]\n  \
                 type = \"spin\"\n  path = \"{label}.db\"\nand name the file with \
                 --runtime-config-file"
            );
        }
        for label in key_value {
            ensure!(
                self.key_value_stores.contains_key(label),
                "[component.{component}] is granted key-value store {label:?}, which is not \
                 configured: add to the runtime configuration\n  [key_value_store.{label}]\n  \
                 type = \"spin\"\n  path = \"{label}.db\"\nand name the file with \
                 --runtime-config-file"
            );
        }
        Ok(())
    }
}

/// Values come from the environment, under Spin's own prefix; other sources are refused.
fn check_provider(provider: &VariablesProvider) -> Result<()> {
    let VariablesProvider { kind, prefix } = provider;
    let prefix = prefix.as_deref().unwrap_or(PREFIX);
    ensure!(
        kind == "env" && prefix.trim_end_matches('_') == PREFIX,
        "variables_provider of type {kind:?} with prefix {prefix:?}: this host takes variables \
         from --variable, and from the environment as {PREFIX}_NAME"
    );
    Ok(())
}

fn sqlite_path(backend: &Backend) -> Result<&Path> {
    ensure!(
        backend.kind == "spin" && backend.url.is_none(),
        "only type = \"spin\" with a path is supported"
    );
    // Spin would make an own, empty in-memory database at every open: never what was meant.
    backend.path.as_deref().context("path is missing: without it nothing would be kept")
}

/// Where a store's file is. A relative path is one in the state folder if one is named, and
/// otherwise where Spin looks for it: `unnamed`.
///
/// Before 0.2 it was there in both cases: what is found there is not passed over for a new, empty
/// store.
fn resolve_path(path: &Path, state_dir: Option<&Path>, unnamed: &Path) -> Result<PathBuf> {
    let (now, before) = (state_dir.unwrap_or(unnamed).join(path), unnamed.join(path));
    ensure!(
        now.exists() || now == before || !before.exists(),
        "path = {path:?} is in the state folder that you name, {}, where there is no such file; \
         before version 0.2 it was {}, and that file is there: move it (with -wal, if there is \
         one), or write the path in full",
        now.display(),
        before.display()
    );
    Ok(now)
}

fn key_value_backend(
    backend: &Backend,
    (state_dir, folder): (Option<&Path>, &Path),
) -> Result<KeyValueBackend> {
    match (backend.kind.as_str(), &backend.path, &backend.url) {
        ("spin", Some(path), None) => {
            Ok(KeyValueBackend::File(resolve_path(path, state_dir, folder)?))
        }
        ("spin", None, None) => bail!("path is missing: without it nothing would be kept"),
        ("redis", None, Some(url)) => Ok(KeyValueBackend::Redis(url.clone())),
        ("redis", None, None) => bail!("url is missing, for example redis://127.0.0.1:6379"),
        _ => {
            bail!("only type = \"spin\" with a path and type = \"redis\" with a url are supported")
        }
    }
}

fn outbound_http(table: &OutboundHttpTable) -> Result<OutboundHttp> {
    let requests_max = table.max_connections.or(table.max_concurrent_requests).unwrap_or(256);
    ensure!(requests_max > 0, "outbound_http.max_connections must be at least 1");
    ensure!(
        (1..=600).contains(&table.connect_timeout_seconds),
        "outbound_http.connect_timeout_seconds is from 1 to 600"
    );
    Ok(OutboundHttp {
        pooling: table.connection_pooling,
        requests_max,
        connect_max: Duration::from_secs(table.connect_timeout_seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> Unnamed<'static> {
        Unnamed::AsUnderSpin(Path::new("/app"))
    }

    fn build(text: &str) -> Result<RuntimeConfig> {
        let file = toml::from_str(text)?;
        RuntimeConfig::build_config(file, Path::new("/etc/node"), None, app())
    }

    #[test]
    fn default_labels_live_in_the_state_folder() {
        let config = build("").unwrap();
        assert_eq!(config.state_dir, Path::new("/app/.spin"));
        assert_eq!(config.sqlite_databases["default"], Path::new("/app/.spin/sqlite_db.db"));
        let expected = KeyValueBackend::File("/app/.spin/sqlite_key_value.db".into());
        assert_eq!(config.key_value_stores["default"], expected);
    }

    #[test]
    fn what_holds_anyway_may_be_written_down() {
        let provider = |text: &str| build(text).map(drop).map_err(|error| format!("{error:#}"));
        let operator = "[[config_provider]]\ntype = 'env'\nprefix = 'SPIN_VARIABLE_'\n";
        assert_eq!(provider(operator), Ok(()));
        assert_eq!(provider("[[variables_provider]]\ntype = 'env'"), Ok(()));
        for other in ["type = 'vault'", "type = 'env'\nprefix = 'MY'"] {
            let refused = provider(&format!("[[variables_provider]]\n{other}")).unwrap_err();
            assert!(refused.contains("--variable"), "{refused}");
        }
    }

    #[test]
    fn relative_paths_are_in_the_state_folder_that_is_named() {
        let text = "[sqlite_database.progress]\ntype = 'spin'\npath = 'p.db'\n\
                    [key_value_store.cache]\ntype = 'spin'\npath = 'c.db'";
        let folder = tempfile::tempdir().unwrap();
        let (state, old) = (folder.path().join("state"), folder.path());
        let load = || {
            let file = toml::from_str(text).unwrap();
            RuntimeConfig::build_config(file, old, Some(&state), app())
        };
        let config = load().unwrap();
        assert_eq!(config.sqlite_databases["progress"], state.join("p.db"));
        let cache = KeyValueBackend::File(state.join("c.db"));
        assert_eq!(config.key_value_stores["cache"], cache);
        // What is where it used to be is not passed over.
        std::fs::write(old.join("c.db"), "").unwrap();
        let error = format!("{:#}", load().unwrap_err());
        assert!(error.contains("move it"), "{error}");
        std::fs::create_dir(&state).unwrap();
        std::fs::write(state.join("c.db"), "").unwrap();
        load().unwrap();
    }

    #[test]
    fn relative_paths_resolve_as_under_spin() {
        let config = build(
            "[sqlite_database.progress]\ntype = 'spin'\npath = 'p.db'\n\
             [key_value_store.cache]\ntype = 'spin'\npath = 'c.db'\n\
             [key_value_store.default]\ntype = 'redis'\nurl = 'redis://x'",
        )
        .unwrap();
        let working_directory = std::env::current_dir().unwrap();
        assert_eq!(config.sqlite_databases["progress"], working_directory.join("p.db"));
        let cache = KeyValueBackend::File("/etc/node/c.db".into());
        assert_eq!(config.key_value_stores["cache"], cache);
        let redis = KeyValueBackend::Redis("redis://x".into());
        assert_eq!(config.key_value_stores["default"], redis);
    }

    #[test]
    fn in_a_container_all_is_in_one_folder_unless_another_is_named() {
        let build = |text: &str| {
            let file = toml::from_str(text).unwrap();
            let unnamed = Unnamed::In(Path::new("/.spin"));
            RuntimeConfig::build_config(file, Path::new("/"), None, unnamed).unwrap()
        };
        let table = "[sqlite_database.x]\ntype = 'spin'\npath = 'x.db'";
        let here = build(table);
        assert_eq!(here.state_dir, Path::new("/.spin"));
        assert_eq!(here.sqlite_databases["x"], Path::new("/.spin/x.db"));
        let there = build(&format!("state_dir = '/data'\n{table}"));
        assert_eq!(there.sqlite_databases["x"], Path::new("/data/x.db"));
    }

    #[test]
    fn the_flag_wins_over_the_file() {
        let file = toml::from_str("state_dir = '/from/file'").unwrap();
        let flag = Some(Path::new("/from/flag"));
        let config = RuntimeConfig::build_config(file, Path::new("/"), flag, app()).unwrap();
        assert_eq!(config.state_dir, Path::new("/from/flag"));
    }

    #[test]
    fn what_is_unknown_or_would_lose_data_is_refused() {
        for text in [
            "[sqlite_database.x]\ntype = 'spin'",
            "[sqlite_database.x]\ntype = 'libsql'\nurl = 'https://x'",
            "[key_value_store.x]\ntype = 'spin'",
            "[key_value_store.x]\ntype = 'azure_cosmos'",
            "[key_value_store.x]\ntype = 'redis'",
            "[llm_compute]\ntype = 'spin'",
            "[outbound_http]\nmax_connections = 0",
        ] {
            assert!(build(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_unconfigured_label_names_the_table_to_add() {
        let config = build("").unwrap();
        let granted = BTreeSet::from(["default".to_owned(), "progress".to_owned()]);
        let error = config.check_labels("progress", &granted, &BTreeSet::new()).unwrap_err();
        assert!(error.to_string().contains("[sqlite_database.progress]"), "{error}");
        let default = BTreeSet::from(["default".to_owned()]);
        config.check_labels("progress", &default, &default).unwrap();
    }
}
