//! Putting back a backup: everything is checked first, nothing is deleted.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedge_sqlite::private::{create_folder, file_mode};
use hedge_sqlite::snapshot;
use jiff::Timestamp;

use super::databases::{Databases, configured_databases};
use super::files::{self, sync_folder};
use super::manifest::{BackupManifest, DatabaseCopy};
use super::progress::Progress;
use super::verify::check_copy;
use crate::lock::Lock;
use crate::paths::path_beside;
use crate::runtime_config::RuntimeConfig;
use crate::stores::check_folder;

/// What SQLite keeps beside a database, and the database itself, which goes last: without it the
/// others are nothing.
const ENDINGS: [&str; 4] = ["-journal", "-wal", "-shm", ""];

/// What was done.
#[derive(Debug)]
pub struct Restored {
    /// When the backup was made, in UTC.
    pub made_at: String,
    /// The databases that were put back.
    pub databases: Vec<PathBuf>,
    /// Where those are that were there before.
    pub replaced: Vec<PathBuf>,
}

/// A copy, and where it goes.
struct PlannedCopy<'a> {
    copied: &'a DatabaseCopy,
    /// The database.
    path: &'a Path,
    /// The copy beside it, until it takes its name.
    beside: PathBuf,
}

/// Puts the databases of a backup in the place of those that a stopped node has. What was there is
/// moved into folders `replaced-TIME` beside. Each database is marked with [`snapshot::RESTORED`].
///
/// # Errors
/// When the backup is not whole, or the node runs: then nothing has changed. When a file cannot be
/// moved or written, after which the command can be repeated.
pub fn restore_backup(
    backup: &Path,
    config: &RuntimeConfig,
    progress: &dyn Progress,
) -> Result<Restored> {
    let manifest = BackupManifest::read_from(backup)?;
    let databases = configured_databases(config)?;
    let planned = plan_copies(&manifest, &databases)?;
    for copy in &planned {
        progress.begin_step(&format!("checking {}", copy.copied.file));
        check_copy(&backup.join(&copy.copied.file), copy.copied, progress)?;
    }
    let _locks = lock_databases(databases.keys(), &config.state_dir)?;
    let result = put_back(backup, &databases, &planned, progress);
    for copy in &planned {
        let _ = fs::remove_file(&copy.beside);
    }
    let replaced = result?;
    let databases = planned.iter().map(|copy| copy.path.to_owned()).collect();
    Ok(Restored { made_at: manifest.made_at, databases, replaced })
}

/// Where each copy goes: behind the labels it was behind.
fn plan_copies<'a>(
    manifest: &'a BackupManifest,
    databases: &'a Databases,
) -> Result<Vec<PlannedCopy<'a>>> {
    let mut planned = BTreeMap::new();
    for copied in &manifest.databases {
        for label in &copied.labels {
            let mut all = databases.iter();
            let (path, _) = all.find(|(_, labels)| labels.contains(label)).with_context(|| {
                format!("the backup has a {label}, which is not configured here: add [{label}]")
            })?;
            let beside = path_beside(path, ".restoring");
            let other = planned.insert(path, PlannedCopy { copied, path, beside });
            let is_same = other.is_none_or(|other| other.copied.file == copied.file);
            ensure!(is_same, "two databases of the backup would go to {}", path.display());
        }
    }
    Ok(planned.into_values().collect())
}

/// Makes sure that nobody works with the databases, until the locks are dropped.
fn lock_databases<'a>(
    databases: impl Iterator<Item = &'a PathBuf>,
    state_dir: &Path,
) -> Result<Vec<Lock>> {
    let mut locks = Vec::new();
    for path in databases {
        check_folder(path, state_dir)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let is_new = !folder.exists();
        create_folder(folder)?;
        if is_new {
            give_to_owner(folder)?;
        }
        locks.push(Lock::take(path)?);
        give_to_owner(&path_beside(path, ".lock"))?;
        // Another host, such as Spin, takes no lock of ours.
        let is_free = !path.exists() || !snapshot::is_in_use(path);
        ensure!(is_free, "another process has {} open: stop it first", path.display());
    }
    Ok(locks)
}

fn put_back(
    backup: &Path,
    databases: &Databases,
    planned: &[PlannedCopy<'_>],
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>> {
    for copy in planned {
        progress.begin_step(&format!("copying {}", copy.copied.file));
        prepare_copy(&backup.join(&copy.copied.file), copy, progress)
            .with_context(|| copy.beside.display().to_string())?;
    }
    let mut replaced = Vec::new();
    let name = Timestamp::now().strftime("replaced-%Y%m%dT%H%M%S%3fZ").to_string();
    // What the backup does not have was empty when it was made.
    for path in databases.keys() {
        move_aside(path, &name, &mut replaced)?;
    }
    for copy in planned {
        fs::rename(&copy.beside, copy.path).with_context(|| copy.path.display().to_string())?;
    }
    for path in databases.keys() {
        sync_folder(path.parent().unwrap_or(Path::new("/")))?;
    }
    Ok(replaced)
}

/// Copies a database beside the place it is for, on the same disk, and marks it.
fn prepare_copy(from: &Path, copy: &PlannedCopy<'_>, progress: &dyn Progress) -> Result<()> {
    let _ = fs::remove_file(&copy.beside);
    let (_, sha256) =
        files::copy_file(from, &copy.beside, |done, all| progress.report_bytes(done, all))?;
    ensure!(sha256 == copy.copied.sha256, "the backup has changed meanwhile");
    if copy.copied.labels.iter().any(|label| label.starts_with("sqlite_database.")) {
        snapshot::mark_restored(&copy.beside)?;
    }
    fs::set_permissions(&copy.beside, Permissions::from_mode(mode_of(copy.path)))?;
    give_to_owner(&copy.beside)?;
    Ok(fs::File::open(&copy.beside)?.sync_all()?)
}

/// The mode of a database: the one that it has, which may be what the operator gave it.
fn mode_of(database: &Path) -> u32 {
    match fs::metadata(database) {
        Ok(database) => database.permissions().mode() & 0o777 | 0o600,
        Err(_) => file_mode(database.parent().unwrap_or(Path::new("/"))),
    }
}

/// An administrator may put back a backup for the account that the node runs under.
fn give_to_owner(file: &Path) -> Result<()> {
    let folder = fs::metadata(file.parent().unwrap_or(Path::new("/")))?;
    match chown(file, Some(folder.uid()), Some(folder.gid())) {
        // Who is no administrator keeps it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        done => Ok(done?),
    }
}

/// Moves a database, with what SQLite keeps beside it, into a folder beside.
fn move_aside(path: &Path, folder: &str, replaced: &mut Vec<PathBuf>) -> Result<()> {
    for ending in ENDINGS {
        let file = path_beside(path, ending);
        if !file.exists() {
            continue;
        }
        let folder = path.with_file_name(folder);
        if !replaced.contains(&folder) {
            create_folder(&folder).with_context(|| folder.display().to_string())?;
            give_to_owner(&folder)?;
            replaced.push(folder.clone());
        }
        let to = folder.join(file.file_name().context("a database without a name")?);
        fs::rename(&file, &to).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
