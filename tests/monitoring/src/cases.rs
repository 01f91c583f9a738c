//! Tests of rules, as promtool reads them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{Rule, files, text};

/// Where they are.
const FOLDER: &str = "k3s/monitoring/tests";

#[derive(Deserialize)]
struct File {
    rule_files: Vec<PathBuf>,
    tests: Vec<Case>,
}

/// Series over time, and what comes of them.
#[derive(Deserialize)]
pub struct Case {
    /// What it is about.
    pub name: String,
    input_series: Vec<Series>,
    #[serde(default)]
    alert_rule_test: Vec<Expected>,
}

#[derive(Deserialize)]
struct Series {
    series: String,
}

/// Which alerts of a name there are at a moment.
#[derive(Debug, Deserialize)]
pub struct Expected {
    alertname: String,
    exp_alerts: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
struct Alert {
    exp_labels: BTreeMap<String, String>,
}

impl Case {
    /// Selectors of the series that come in.
    pub fn series(&self) -> impl Iterator<Item = &str> {
        self.input_series.iter().map(|series| series.series.as_str())
    }
}

impl Expected {
    /// Whether it is about alerts of that name.
    #[must_use]
    pub fn is_about(&self, rule: &Rule) -> bool {
        rule.alert.as_ref() == Some(&self.alertname)
    }

    /// Whether the rule fires then: there is an alert with all labels that the rule gives.
    #[must_use]
    pub fn fires(&self, rule: &Rule) -> bool {
        let has =
            |alert: &Alert| rule.labels.iter().all(|it| alert.exp_labels.get(it.0) == Some(it.1));
        self.is_about(rule) && self.exp_alerts.iter().any(has)
    }
}

/// What is expected of alerts in all tests.
pub fn alerts_of(cases: &[Case]) -> impl Iterator<Item = &Expected> {
    cases.iter().flat_map(|case| &case.alert_rule_test)
}

/// All tests.
///
/// # Errors
/// When a file is none of tests, or is about rules that are not there: promtool goes on without.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in files(FOLDER)? {
        let name = path.display().to_string();
        let file: File = serde_saphyr::from_str(&text(&path)?).with_context(|| name.clone())?;
        for rules in &file.rule_files {
            ensure!(path.with_file_name("").join(rules).is_file(), "{name}: {rules:?} is missing");
        }
        cases.extend(file.tests);
    }
    Ok(cases)
}
