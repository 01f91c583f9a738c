//! Backups of a node: a folder with a copy of each of its databases, and a manifest that tells
//! what they are.
//!
//! [`make`] copies while the node runs; [`restore`](restore::restore) puts the copies in the place
//! of what a stopped node has. Neither knows what is in the databases.

mod files;
mod manifest;
pub mod restore;

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hedge_sqlite::snapshot;

use crate::runtime_config::{KeyValueBackend, RuntimeConfig};
use files::{create_private, sync_folder};
use manifest::{Copied, MANIFEST, Manifest};

/// What who waits is told.
pub trait Progress {
    /// A step of the work begins.
    fn begin(&self, step: &str);
    /// So many of so many bytes of it are done.
    fn bytes(&self, done: u64, all: u64);
}

/// Labels, and the file that is behind them: `sqlite_database.progress` is in `progress.db`.
type Databases = BTreeMap<PathBuf, Vec<String>>;

/// Every database file of a node's configuration, there or not.
fn databases(config: &RuntimeConfig) -> Result<Databases> {
    let mut databases = Databases::new();
    for (label, path) in labelled(config) {
        let is_name = label.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        ensure!(is_name, "[{label}]: a backup cannot have a file of this name");
        databases.entry(path.clone()).or_default().push(label);
    }
    Ok(databases)
}

fn labelled(config: &RuntimeConfig) -> impl Iterator<Item = (String, &PathBuf)> {
    let key_value = config.key_value_stores.iter().filter_map(|(label, backend)| match backend {
        KeyValueBackend::File(path) => Some((format!("key_value_store.{label}"), path)),
        // Of what is in Redis nothing is the only copy.
        KeyValueBackend::Redis(_) => None,
    });
    let sqlite = config.sqlite_databases.iter();
    sqlite.map(|(label, path)| (format!("sqlite_database.{label}"), path)).chain(key_value)
}

/// What a backup has.
#[derive(Debug)]
pub struct Summary {
    /// Databases.
    pub databases: usize,
    /// Bytes of them.
    pub bytes: u64,
}

/// Copies a node's databases into a new folder `to`, which appears when it is whole. `force` lets
/// it take the place of an older backup.
///
/// # Errors
/// When there is no database, when `to` is there already, or when something cannot be read or
/// written; then nothing has changed.
pub fn make(
    config: &RuntimeConfig,
    to: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<Summary> {
    let to = std::path::absolute(to)?;
    check_target(&to, force)?;
    let parent = to.parent().context("a backup needs a folder of its own")?;
    let unfinished = tempfile::Builder::new().prefix(".backup-").tempdir_in(parent);
    let unfinished = unfinished.with_context(|| format!("--to {}", to.display()))?;
    let copied = copy_all(config, unfinished.path(), progress)?;
    let summary = Summary {
        databases: copied.len(),
        bytes: copied.iter().map(|database| database.bytes).sum(),
    };
    Manifest::of(copied).write(unfinished.path())?;
    sync_folder(unfinished.path())?;
    put_in_place(unfinished.keep(), &to)?;
    Ok(summary)
}

/// What would be lost must be a backup, and meant to be.
fn check_target(to: &Path, force: bool) -> Result<()> {
    let Ok(mut entries) = fs::read_dir(to) else {
        ensure!(fs::symlink_metadata(to).is_err(), "--to {}: that is no folder", to.display());
        return Ok(());
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let is_backup = to.join(MANIFEST).is_file();
    ensure!(is_backup, "--to {}: there is something else than a backup", to.display());
    ensure!(force, "--to {}: there is a backup already; --force replaces it", to.display());
    Ok(())
}

/// Looks whether a backup could be put back; answers when it was made, in UTC.
///
/// # Errors
/// When it is no backup, or not whole.
pub fn verify(folder: &Path, progress: &dyn Progress) -> Result<String> {
    let manifest = Manifest::read(folder)?;
    for copied in &manifest.databases {
        restore::check(&folder.join(&copied.file), copied, progress)?;
    }
    Ok(manifest.made_at)
}

fn copy_all(config: &RuntimeConfig, folder: &Path, progress: &dyn Progress) -> Result<Vec<Copied>> {
    let databases = databases(config)?;
    let mut copied = Vec::new();
    for (path, labels) in &databases {
        // A node makes its files before it has anything to put in.
        if fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            let database = copy(path, labels.clone(), folder, progress);
            copied.push(database.with_context(|| path.display().to_string())?);
        }
    }
    if copied.is_empty() {
        let looked: Vec<_> = databases.keys().map(|path| path.display().to_string()).collect();
        bail!(
            "there is no database here ({}): name the node's --runtime-config-file and \
             --state-dir, and work in its working directory",
            looked.join(", ")
        );
    }
    Ok(copied)
}

fn copy(
    from: &Path,
    labels: Vec<String>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Copied> {
    let file = format!("{}.db", labels.first().context("a database without a label")?);
    let to = folder.join(&file);
    create_private(&to)?;
    progress.begin(&format!("copying {}", from.display()));
    snapshot::copy(from, &to, |done, all| progress.bytes(done, all))?;
    fs::File::open(&to)?.sync_all()?;
    progress.begin(&format!("checking the copy of {}", from.display()));
    snapshot::check(&to).context("the database is damaged")?;
    let (bytes, sha256) = files::hash(&to, |done, all| progress.bytes(done, all))?;
    Ok(Copied { file, labels, bytes, sha256 })
}

/// Gives a folder its name, in the place of an older backup.
fn put_in_place(folder: PathBuf, to: &Path) -> Result<()> {
    fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
    let older = folder.with_extension("older");
    let has_older = to.exists();
    if has_older {
        fs::rename(to, &older).with_context(|| to.display().to_string())?;
    }
    fs::rename(&folder, to).with_context(|| to.display().to_string())?;
    sync_folder(to.parent().unwrap_or(Path::new("/")))?;
    if has_older {
        fs::remove_dir_all(&older)?;
    }
    Ok(())
}
