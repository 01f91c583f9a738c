//! `manifest.json`: what a backup has.

use std::fs;
use std::io::Write;
use std::path::{Component, Path};

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::create_private;

/// The manifest's name; a folder without it is no backup.
pub const MANIFEST: &str = "manifest.json";
/// What this version writes and reads.
const FORMAT: u32 = 1;
/// Largest manifest that is read, in bytes.
const BYTES_MAX: u64 = 1 << 20;

/// A backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupManifest {
    /// How to read this.
    format: u32,
    /// The version of `hedge` that made it.
    version: String,
    /// When it was complete, in UTC.
    pub made_at: String,
    /// Its databases. Each passed SQLite's `integrity_check`.
    pub databases: Vec<DatabaseCopy>,
}

/// A copy of a database.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseCopy {
    /// Its file in the backup's folder.
    pub file: String,
    /// What it was behind: `sqlite_database.LABEL`, `key_value_store.LABEL`.
    pub labels: Vec<String>,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
}

impl BackupManifest {
    /// A manifest of now.
    pub fn of_now(databases: Vec<DatabaseCopy>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let made_at = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self { format: FORMAT, version, made_at, databases }
    }

    /// Writes it into a backup's folder.
    pub fn write_into(&self, folder: &Path) -> Result<()> {
        let mut file = create_private(&folder.join(MANIFEST))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        Ok(file.sync_all()?)
    }

    /// Reads and checks that of a backup's folder.
    pub fn read_from(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST);
        let context = || format!("{} is no backup made by `hedge backup`", folder.display());
        let size = fs::metadata(&path).with_context(context)?.len();
        ensure!(size <= BYTES_MAX, "{} is larger than a manifest", path.display());
        let manifest: Self = serde_json::from_slice(&fs::read(&path)?).with_context(context)?;
        ensure!(
            manifest.format == FORMAT,
            "{}: this version reads format {FORMAT}",
            path.display()
        );
        ensure!(!manifest.databases.is_empty(), "{} names no database", path.display());
        for database in &manifest.databases {
            let mut parts = Path::new(&database.file).components();
            let is_name =
                matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
            ensure!(is_name, "{}: {:?} is no name of a file", path.display(), database.file);
        }
        Ok(manifest)
    }
}
