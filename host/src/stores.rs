//! The stores behind the labels: one database a file for the whole process.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedge_key_value::Store;
use hedge_sqlite::Database;
use rustix::fs::Access;

use crate::lock::{self, Holder, Lock};
use crate::manifest::{Application, Component};
use crate::runtime_config::{KeyValueBackend, RuntimeConfig};

/// What to do when another process has the stores.
#[derive(Clone, Copy)]
pub enum Patience<'a> {
    /// Give up, saying which process that is.
    None,
    /// Wait for its end, after telling which process that is.
    Wait {
        /// Where this process answers, for whoever waits for it.
        own: Option<SocketAddr>,
        /// Is told.
        tell: &'a dyn Fn(Holder),
    },
}

/// Every store that some component is granted.
pub struct Stores {
    /// SQLite databases by label. Labels that name one file share one database.
    pub sqlite: BTreeMap<String, Database>,
    /// Key-value stores by label.
    pub key_value: BTreeMap<String, Store>,
    files: BTreeMap<PathBuf, Database>,
    /// Held for as long as the files are used.
    locks: Vec<Lock>,
}

impl Stores {
    /// Opens what the application's components are granted, all of which has to be configured.
    ///
    /// # Errors
    /// When a store cannot be opened, or lies in a folder that does not exist.
    pub fn open(
        application: &Application,
        config: &RuntimeConfig,
        patience: Patience<'_>,
    ) -> Result<Self> {
        let mut stores = Self {
            sqlite: BTreeMap::new(),
            key_value: BTreeMap::new(),
            files: BTreeMap::new(),
            locks: Vec::new(),
        };
        for label in granted_labels(application, |component| &component.sqlite_databases) {
            if let Some(path) = config.sqlite_databases.get(label) {
                let database = stores.open_database(path, &config.state_dir, patience);
                let database = database.with_context(|| format!("[sqlite_database.{label}]"))?;
                stores.sqlite.insert(label.clone(), database);
            }
        }
        for label in granted_labels(application, |component| &component.key_value_stores) {
            if let Some(backend) = config.key_value_stores.get(label) {
                let store = stores.open_store(label, backend, &config.state_dir, patience);
                let store = store.with_context(|| format!("[key_value_store.{label}]"))?;
                stores.key_value.insert(label.clone(), store);
            }
        }
        Ok(stores)
    }

    fn open_store(
        &mut self,
        label: &str,
        backend: &KeyValueBackend,
        state_dir: &Path,
        patience: Patience<'_>,
    ) -> Result<Store> {
        match backend {
            KeyValueBackend::File(path) => {
                Ok(Store::in_sqlite(&self.open_database(path, state_dir, patience)?, label))
            }
            KeyValueBackend::Redis(url) => Ok(Store::on_redis(url)?),
        }
    }

    fn open_database(
        &mut self,
        path: &Path,
        state_dir: &Path,
        patience: Patience<'_>,
    ) -> Result<Database> {
        if let Some(database) = self.files.get(path) {
            return Ok(database.clone());
        }
        check_folder(path, state_dir)?;
        let database = Database::open(path)?;
        self.locks.push(match patience {
            Patience::None => Lock::take(path)?,
            Patience::Wait { own, tell } => Lock::wait_for(path, own, tell)?,
        });
        self.files.insert(path.to_owned(), database.clone());
        Ok(database)
    }

    /// Every database, by the name of its file.
    pub fn named_databases(&self) -> Vec<(String, Database)> {
        let name =
            |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.files.iter().map(|(path, database)| (name(path), database.clone())).collect()
    }

    /// Closes the databases: takes no more statements and finishes those that were sent.
    pub async fn close(&self) {
        futures::future::join_all(self.files.values().map(Database::close)).await;
    }
}

fn granted_labels(
    application: &Application,
    labels: fn(&Component) -> &BTreeSet<String>,
) -> impl Iterator<Item = &String> {
    application.components.values().flat_map(labels)
}

/// Looks whether the stores that the application's components are granted can be opened here, now
/// or, if `waits`, once nobody else has them. Leaves nothing behind.
///
/// # Errors
/// For the first one that cannot: says which, and why.
pub fn check_stores(application: &Application, config: &RuntimeConfig, waits: bool) -> Result<()> {
    for label in granted_labels(application, |component| &component.sqlite_databases) {
        if let Some(path) = config.sqlite_databases.get(label) {
            let checked = check_file(path, &config.state_dir, waits);
            checked.with_context(|| format!("[sqlite_database.{label}]"))?;
        }
    }
    for label in granted_labels(application, |component| &component.key_value_stores) {
        let context = || format!("[key_value_store.{label}]");
        match config.key_value_stores.get(label) {
            Some(KeyValueBackend::File(path)) => {
                check_file(path, &config.state_dir, waits).with_context(context)?;
            }
            Some(KeyValueBackend::Redis(url)) => drop(Store::on_redis(url).with_context(context)?),
            None => {}
        }
    }
    Ok(())
}

fn check_file(path: &Path, state_dir: &Path, waits: bool) -> Result<()> {
    check_folder(path, state_dir)?;
    check_writable(path)?;
    if waits { Ok(()) } else { lock::check_free(path) }
}

/// Whether this process may write to a file, or make it.
fn check_writable(path: &Path) -> Result<()> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists());
    let existing = existing.unwrap_or(Path::new("/"));
    rustix::fs::access(existing, Access::WRITE_OK).with_context(|| {
        format!(
            "cannot write {}: this process, of user {}, may not write to {}",
            path.display(),
            rustix::process::getuid().as_raw(),
            existing.display()
        )
    })
}

/// Folders outside the state folder have to exist, so that a mistyped path is not taken for a new,
/// empty node.
pub(crate) fn check_folder(file: &Path, state_dir: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    ensure!(
        folder.starts_with(state_dir) || folder.is_dir(),
        "there is no folder {}: create it, or correct the path",
        folder.display()
    );
    Ok(())
}
