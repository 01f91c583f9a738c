//! Making a backup while the node runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hedge_sqlite::snapshot;

use super::databases::configured_databases;
use super::files::{self, create_private, sync_folder};
use super::manifest::{BackupManifest, DatabaseCopy, MANIFEST};
use super::progress::Progress;
use crate::runtime_config::RuntimeConfig;

/// What a backup has.
#[derive(Debug)]
pub struct BackupSummary {
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
pub fn create_backup(
    config: &RuntimeConfig,
    to: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<BackupSummary> {
    let to = std::path::absolute(to)?;
    check_target(&to, force)?;
    let parent = to.parent().context("a backup needs a folder of its own")?;
    let unfinished = tempfile::Builder::new().prefix(".backup-").tempdir_in(parent);
    let unfinished = unfinished.with_context(|| format!("--to {}", to.display()))?;
    let copied = copy_all(config, unfinished.path(), progress)?;
    let summary = BackupSummary {
        databases: copied.len(),
        bytes: copied.iter().map(|database| database.bytes).sum(),
    };
    BackupManifest::of_now(copied).write_into(unfinished.path())?;
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

fn copy_all(
    config: &RuntimeConfig,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Vec<DatabaseCopy>> {
    let databases = configured_databases(config)?;
    let mut copied = Vec::new();
    for (path, labels) in &databases {
        // A node makes its files before it has anything to put in.
        if fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            let database = copy_one(path, labels.clone(), folder, progress);
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

fn copy_one(
    from: &Path,
    labels: Vec<String>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<DatabaseCopy> {
    let file = format!("{}.db", labels.first().context("a database without a label")?);
    let to = folder.join(&file);
    create_private(&to)?;
    progress.begin_step(&format!("copying {}", from.display()));
    snapshot::copy_database(from, &to, |done, all| progress.report_bytes(done, all))?;
    fs::File::open(&to)?.sync_all()?;
    progress.begin_step(&format!("checking the copy of {}", from.display()));
    snapshot::check_integrity(&to).context("the database is damaged")?;
    let (bytes, sha256) = files::hash_file(&to, |done, all| progress.report_bytes(done, all))?;
    Ok(DatabaseCopy { file, labels, bytes, sha256 })
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
