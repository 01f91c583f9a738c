//! Rules for Prometheus, dashboards and routing, and what the tools for them do not see: a name
//! that no node tells, an alert without a test, a test of an alert that is not there, a link to
//! nowhere.

mod cases;
mod dashboards;
mod names;
mod routing;
mod rules;
mod shortened;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

pub use cases::{Case, Expected, alerts_of, cases};
pub use dashboards::{Choice, Dashboard, Panel, dashboards};
pub use names::{Named, Names};
pub use routing::{Inhibition, Route, Routing, routing};
pub use rules::{Rule, rules};
pub use shortened::shortened;

/// A path of this repository.
#[must_use]
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The YAML files of a folder of the repository, of which there are some.
///
/// # Errors
/// When there are none: promtool would have nothing to say to that.
pub fn files(folder: &str) -> Result<Vec<PathBuf>> {
    files_ending(folder, "yaml")
}

/// The files of a folder with this ending, but for kustomize's own.
pub(crate) fn files_ending(folder: &str, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(repository(folder)).with_context(|| folder.to_owned())?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == ending));
    files.retain(|file| !file.ends_with("kustomization.yaml"));
    files.sort();
    ensure!(!files.is_empty(), "{folder} has no .{ending}");
    Ok(files)
}

/// A file as text.
pub(crate) fn text(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| file.display().to_string())
}
