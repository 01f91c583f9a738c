//! The database files of a node.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::runtime_config::{KeyValueBackend, RuntimeConfig};

/// Labels, and the file that is behind them: `sqlite_database.progress` is in `progress.db`.
pub(super) type Databases = BTreeMap<PathBuf, Vec<String>>;

/// Every database file of a node's configuration, there or not.
pub(super) fn configured_databases(config: &RuntimeConfig) -> Result<Databases> {
    let mut databases = Databases::new();
    for (label, path) in labelled_files(config) {
        let is_name = label.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        ensure!(is_name, "[{label}]: a backup cannot have a file of this name");
        databases.entry(path.clone()).or_default().push(label);
    }
    Ok(databases)
}

fn labelled_files(config: &RuntimeConfig) -> impl Iterator<Item = (String, &PathBuf)> {
    let key_value = config.key_value_stores.iter().filter_map(|(label, backend)| match backend {
        KeyValueBackend::File(path) => Some((format!("key_value_store.{label}"), path)),
        // Of what is in Redis nothing is the only copy.
        KeyValueBackend::Redis(_) => None,
    });
    let sqlite = config.sqlite_databases.iter();
    sqlite.map(|(label, path)| (format!("sqlite_database.{label}"), path)).chain(key_value)
}
