//! Where an export goes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;

/// Standard output, or a file that is there only when it is whole.
pub enum Output {
    /// Standard output.
    Standard,
    /// A file under another name, beside the one that it takes in the end. Dropped before, it is
    /// deleted.
    File(NamedTempFile, PathBuf),
}

impl Output {
    /// Standard output, or a new file for this path.
    ///
    /// # Errors
    /// When no file can be made there, or something else than a file is.
    pub fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::Standard) };
        let what = || format!("--output {}", path.display());
        // A link stays one: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        ensure!(
            path.is_file() || !path.exists(),
            "{}: that is no regular file; to write elsewhere, redirect standard output",
            what()
        );
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let name = path.file_name().with_context(what)?;
        let file = tempfile::Builder::new().prefix(name).suffix(".part").tempfile_in(folder);
        Ok(Self::File(file.with_context(what)?, path))
    }

    /// Writes and flushes.
    ///
    /// # Errors
    /// Those of the file or of standard output.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Standard => {
                let mut standard = io::stdout().lock();
                standard.write_all(bytes)?;
                standard.flush()
            }
            Self::File(file, _) => file.write_all(bytes),
        }
    }

    /// Gives the file its name, durably whole.
    ///
    /// # Errors
    /// Those of the file.
    pub fn finish_file(self) -> Result<()> {
        if let Self::File(file, path) = self {
            file.as_file().sync_all()?;
            file.persist(&path).with_context(|| format!("--output {}", path.display()))?;
        }
        Ok(())
    }
}
