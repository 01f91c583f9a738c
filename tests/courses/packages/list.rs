//! Which packages are played, and where they are in the clones of their repositories.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The list.
const LIST: &str = include_str!("../packages.toml");

/// A package of the list.
pub struct Row(Value);

impl Row {
    /// All of the list, or those with one of the texts in them, which commas divide.
    pub fn all(like: &str) -> Result<Vec<Self>> {
        let list: toml::Value = toml::from_str(LIST)?;
        let list = serde_json::to_value(list)?;
        let rows = list["package"].as_array().context("no packages")?;
        let has = |row: &&Value| like.split(',').any(|like| row.to_string().contains(like));
        Ok(rows.iter().filter(has).cloned().map(Self).collect())
    }

    /// What the list says under a name, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    /// A number of the list's, or another.
    pub fn number(&self, name: &str, otherwise: usize) -> usize {
        let number = self.0[name].as_u64().and_then(|number| number.try_into().ok());
        number.unwrap_or(otherwise)
    }

    /// What is as it is for the learner.
    pub fn value(&self, name: &str) -> Value {
        self.0[name].clone()
    }

    /// How a person would call it.
    pub fn name(&self) -> String {
        let path = self.text("path").trim_end_matches('/');
        match path.rsplit('/').next() {
            Some(file) if !file.is_empty() => file.to_owned(),
            _ => self.text("repository").rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }

    /// The clone of its repository.
    fn clone_in(&self, clones: &Path) -> PathBuf {
        clones.join(self.text("repository"))
    }

    /// Its bytes: a file, or a folder as a zip.
    pub fn package(&self, clones: &Path) -> Result<Vec<u8>> {
        let clone = self.clone_in(clones);
        let object = format!("{}:{}", self.text("commit"), self.text("path"));
        let kind = git(&clone, &["cat-file", "-t", &object])?;
        if kind.starts_with(b"blob") {
            return git(&clone, &["cat-file", "blob", &object]);
        }
        let without = self.0["without"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let without: Vec<_> = without.map(|it| format!(":(exclude)*{it}")).collect();
        let words = ["archive", "--format=zip", &object, "--"].into_iter();
        git(&clone, &words.chain(without.iter().map(String::as_str)).collect::<Vec<_>>())
    }
}

fn git(clone: &Path, words: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(clone).args(words).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "git {words:?} in {}: {said}", clone.display());
    Ok(output.stdout)
}
