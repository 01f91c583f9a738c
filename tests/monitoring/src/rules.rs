//! Files of rules.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{files, text};

/// Where they are.
const FOLDER: &str = "k3s/monitoring/rules";

#[derive(Deserialize)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

/// What is recorded, or an alert.
#[derive(Deserialize)]
pub struct Rule {
    /// The alert's name.
    pub alert: Option<String>,
    /// The name under which it is recorded.
    pub record: Option<String>,
    /// The PromQL.
    pub expr: String,
    /// Labels that every such alert has.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What people are told.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl Rule {
    /// What messages call it.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self.alert.as_ref().or(self.record.as_ref()).map_or("", String::as_str);
        format!("{name} {:?}", self.labels)
    }
}

/// All of them.
///
/// # Errors
/// When a file is none of rules.
pub fn rules() -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for path in files(FOLDER)? {
        let file: File =
            serde_saphyr::from_str(&text(&path)?).with_context(|| path.display().to_string())?;
        rules.extend(file.groups.into_iter().flat_map(|group| group.rules));
    }
    Ok(rules)
}
