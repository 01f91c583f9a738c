//! Whether a backup is whole.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use hedge_sqlite::snapshot;

use super::files;
use super::manifest::{BackupManifest, DatabaseCopy};
use super::progress::Progress;

/// Looks whether a backup could be put back; answers when it was made, in UTC.
///
/// # Errors
/// When it is no backup, or not whole.
pub fn verify_backup(folder: &Path, progress: &dyn Progress) -> Result<String> {
    let manifest = BackupManifest::read_from(folder)?;
    for copied in &manifest.databases {
        check_copy(&folder.join(&copied.file), copied, progress)?;
    }
    Ok(manifest.made_at)
}

/// Whether a copy is what the manifest says, and a sound database.
pub(super) fn check_copy(
    file: &Path,
    copied: &DatabaseCopy,
    progress: &dyn Progress,
) -> Result<()> {
    let (bytes, sha256) = files::hash_file(file, |done, all| progress.report_bytes(done, all))?;
    let is_same = bytes == copied.bytes && sha256 == copied.sha256;
    ensure!(is_same, "{} is not the file that was backed up: it is damaged", file.display());
    snapshot::check_integrity(file).with_context(|| format!("{} is damaged", file.display()))
}
