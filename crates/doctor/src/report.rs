//! All that was found, in order and each thing once.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{Check, Finding};

/// The version of a report's form. Fields may be added to it without another one.
const FORMAT: u32 = 1;

/// A check that was not made.
#[derive(Debug, Serialize)]
pub struct Unseen {
    /// Which.
    pub check: Check,
    /// Why.
    pub why: String,
    /// Some of it was looked at, and is in order.
    #[serde(skip)]
    is_part: bool,
}

/// What came of looking at a node.
#[derive(Debug, Serialize)]
pub struct Report {
    /// How to read this.
    format: u32,
    /// The version of who looked.
    version: String,
    /// Whether the node runs.
    pub is_running: bool,
    /// Nothing is wrong; there may be warnings.
    is_healthy: bool,
    /// What is not as it should be: by check, the worse first.
    findings: Vec<Finding>,
    /// What was looked at and is in order.
    in_order: BTreeSet<Check>,
    /// What was not looked at.
    not_looked_at: Vec<Unseen>,
}

impl Report {
    /// Nothing was looked at yet.
    pub fn new(version: &str) -> Self {
        Self {
            format: FORMAT,
            version: version.to_owned(),
            is_running: false,
            is_healthy: true,
            findings: Vec::new(),
            in_order: BTreeSet::new(),
            not_looked_at: Vec::new(),
        }
    }

    /// Notes what a look at something has shown.
    pub fn saw(&mut self, check: Check, findings: impl IntoIterator<Item = Finding>) {
        self.in_order.insert(check);
        self.findings.extend(findings);
    }

    /// Adds what a look that was noted already has shown.
    pub fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Whether something was looked at, or could not be.
    pub fn has_seen(&self, check: Check) -> bool {
        self.in_order.contains(&check)
            || self.not_looked_at.iter().any(|unseen| unseen.check == check)
    }

    /// Notes what a node says of itself. What was seen from outside is newer: of that it adds
    /// nothing.
    pub fn was_told(&mut self, findings: Vec<Finding>) {
        let is_known = |told: &Finding| {
            self.findings.iter().any(|known| {
                known.check == told.check
                    || (told.check == Check::Replication && known.check.is_of_the_link())
            })
        };
        let news: Vec<_> = findings.into_iter().filter(|told| !is_known(told)).collect();
        self.findings.extend(news);
    }

    /// Notes that something could not be looked at in this way; in another one it may have been.
    pub fn could_not_see(&mut self, check: Check, why: impl Into<String>) {
        self.not_looked_at.push(Unseen { check, why: why.into(), is_part: false });
    }

    /// Notes that some of something could not be looked at.
    pub fn saw_a_part(&mut self, check: Check, why: impl Into<String>) {
        self.not_looked_at.push(Unseen { check, why: why.into(), is_part: true });
    }

    /// The report when all has been looked at.
    pub fn finish(mut self) -> Self {
        self.findings.sort_by_key(|finding| (finding.severity, finding.check));
        self.findings.dedup();
        self.is_healthy = !self.findings.iter().any(Finding::is_wrong);
        let found: BTreeSet<_> = self.findings.iter().map(|finding| finding.check).collect();
        let parts: Vec<_> = self.not_looked_at.iter().filter(|unseen| unseen.is_part).collect();
        let is_part = |check| parts.iter().any(|part| part.check == check);
        self.in_order.retain(|check| !found.contains(check) && !is_part(*check));
        let is_seen = |check: &Check| found.contains(check) || self.in_order.contains(check);
        self.not_looked_at.retain(|unseen| !is_seen(&unseen.check));
        self.not_looked_at.sort_by_key(|unseen| unseen.check);
        self
    }

    /// What is not as it should be.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many things are in order.
    pub fn count_in_order(&self) -> usize {
        self.in_order.len()
    }

    /// What was not looked at.
    pub fn not_looked_at(&self) -> &[Unseen] {
        &self.not_looked_at
    }

    /// Whether nothing is wrong.
    pub fn is_healthy(&self) -> bool {
        self.is_healthy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_not_told_again() {
        let mut report = Report::new("1");
        report.saw(Check::UpstreamName, [Finding::wrong(Check::UpstreamName, "a", "b")]);
        report.saw(Check::Disk, []);
        report.was_told(vec![
            Finding::warning(Check::Replication, "c", "d"),
            Finding::warning(Check::Conflicts, "e", "f"),
        ]);
        report.could_not_see(Check::UpstreamToken, "no way there");
        report.could_not_see(Check::Disk, "seen elsewhere");
        report.saw(Check::Databases, []);
        report.saw_a_part(Check::Databases, "one of them is too large");
        let report = report.finish();
        let found: Vec<_> = report.findings().iter().map(|finding| finding.check).collect();
        assert_eq!(found, [Check::UpstreamName, Check::Conflicts]);
        assert!(!report.is_healthy() && report.count_in_order() == 1);
        let unseen: Vec<_> = report.not_looked_at().iter().map(|unseen| unseen.check).collect();
        assert_eq!(unseen, [Check::Databases, Check::UpstreamToken]);
    }

    #[test]
    fn its_form_is_what_the_document_says() {
        let mut report = Report::new("1");
        report.saw(Check::Disk, [Finding::warning(Check::Disk, "Little room.", "Make some.")]);
        report.saw(Check::Clock, []);
        report.could_not_see(Check::Backup, "no folder was named");
        let expected = serde_json::json!({
            "format": 1, "version": "1", "is_running": false, "is_healthy": true,
            "findings": [{ "check": "disk", "severity": "warning", "what": "Little room.",
                "advice": "Make some.", "detail": null, "see": "docs/runbook.md#disknearlyfull" }],
            "in_order": ["clock"],
            "not_looked_at": [{ "check": "backup", "why": "no folder was named" }],
        });
        assert_eq!(serde_json::to_value(report.finish()).unwrap(), expected);
    }
}
