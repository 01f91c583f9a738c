//! Putting back a backup: everything is checked first, nothing is deleted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hedge_sqlite::snapshot;
use jiff::Timestamp;

use super::files::{self, sync_folder};
use super::manifest::{Copied, Manifest};
use super::{Progress, databases};
use crate::lock::Lock;
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
struct Placing<'a> {
    copied: &'a Copied,
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
pub fn restore(backup: &Path, config: &RuntimeConfig, progress: &dyn Progress) -> Result<Restored> {
    let manifest = Manifest::read(backup)?;
    let databases = databases(config)?;
    let placings = placings(&manifest, &databases)?;
    for placing in &placings {
        progress.begin(&format!("checking {}", placing.copied.file));
        check(&backup.join(&placing.copied.file), placing.copied, progress)?;
    }
    let _locks = claim(databases.keys(), &config.state_dir)?;
    let result = place(backup, &databases, &placings, progress);
    for placing in &placings {
        let _ = fs::remove_file(&placing.beside);
    }
    let replaced = result?;
    let databases = placings.iter().map(|placing| placing.path.to_owned()).collect();
    Ok(Restored { made_at: manifest.made_at, databases, replaced })
}

/// Where each copy goes: behind the labels it was behind.
fn placings<'a>(
    manifest: &'a Manifest,
    databases: &'a super::Databases,
) -> Result<Vec<Placing<'a>>> {
    let mut placings = BTreeMap::new();
    for copied in &manifest.databases {
        for label in &copied.labels {
            let mut all = databases.iter();
            let (path, _) = all.find(|(_, labels)| labels.contains(label)).with_context(|| {
                format!("the backup has a {label}, which is not configured here: add [{label}]")
            })?;
            let beside = with_ending(path, ".restoring");
            let other = placings.insert(path, Placing { copied, path, beside });
            let is_same = other.is_none_or(|other| other.copied.file == copied.file);
            ensure!(is_same, "two databases of the backup would go to {}", path.display());
        }
    }
    Ok(placings.into_values().collect())
}

/// Whether a copy is what the manifest says, and a sound database.
pub(super) fn check(file: &Path, copied: &Copied, progress: &dyn Progress) -> Result<()> {
    let (bytes, sha256) = files::hash(file, |done, all| progress.bytes(done, all))?;
    let is_same = bytes == copied.bytes && sha256 == copied.sha256;
    ensure!(is_same, "{} is not the file that was backed up: it is damaged", file.display());
    snapshot::check(file).with_context(|| format!("{} is damaged", file.display()))
}

/// Makes sure that nobody works with the databases, until the locks are dropped.
fn claim<'a>(databases: impl Iterator<Item = &'a PathBuf>, state_dir: &Path) -> Result<Vec<Lock>> {
    let mut locks = Vec::new();
    for path in databases {
        check_folder(path, state_dir)?;
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        locks.push(Lock::take(path)?);
        // Another host, such as Spin, takes no lock of ours.
        let is_free = !path.exists() || !snapshot::is_in_use(path);
        ensure!(is_free, "another process has {} open: stop it first", path.display());
    }
    Ok(locks)
}

fn place(
    backup: &Path,
    databases: &super::Databases,
    placings: &[Placing<'_>],
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>> {
    for placing in placings {
        progress.begin(&format!("copying {}", placing.copied.file));
        prepare(&backup.join(&placing.copied.file), placing, progress)
            .with_context(|| placing.beside.display().to_string())?;
    }
    let mut replaced = Vec::new();
    let name = Timestamp::now().strftime("replaced-%Y%m%dT%H%M%S%3fZ").to_string();
    // What the backup does not have was empty when it was made.
    for path in databases.keys() {
        move_aside(path, &name, &mut replaced)?;
    }
    for placing in placings {
        fs::rename(&placing.beside, placing.path)
            .with_context(|| placing.path.display().to_string())?;
    }
    for path in databases.keys() {
        sync_folder(path.parent().unwrap_or(Path::new("/")))?;
    }
    Ok(replaced)
}

/// Copies a database beside the place it is for, on the same disk, and marks it.
fn prepare(from: &Path, placing: &Placing<'_>, progress: &dyn Progress) -> Result<()> {
    let _ = fs::remove_file(&placing.beside);
    let (_, sha256) = files::copy(from, &placing.beside, |done, all| progress.bytes(done, all))?;
    ensure!(sha256 == placing.copied.sha256, "the backup has changed meanwhile");
    if placing.copied.labels.iter().any(|label| label.starts_with("sqlite_database.")) {
        snapshot::mark_restored(&placing.beside)?;
    }
    give_to_owner(&placing.beside)?;
    Ok(fs::File::open(&placing.beside)?.sync_all()?)
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
        let file = with_ending(path, ending);
        if !file.exists() {
            continue;
        }
        let folder = path.with_file_name(folder);
        if !replaced.contains(&folder) {
            fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
            replaced.push(folder.clone());
        }
        let to = folder.join(file.file_name().context("a database without a name")?);
        fs::rename(&file, &to).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
