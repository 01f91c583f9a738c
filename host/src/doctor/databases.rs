//! The database files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use hedge_sqlite::Error;
use hedge_sqlite::inspect::{Inspection, inspect_file};
use hedgeschool_doctor::database::{self, DatabaseSeen};
use hedgeschool_doctor::{Check, Report};

use super::subject::Subject;

/// Looks into each; `known` is the latest schema that is known for a label.
pub fn probe_databases(
    subject: &Subject,
    known: &BTreeMap<String, u64>,
    is_open: bool,
    time_max: Duration,
    report: &mut Report,
) {
    // Of key-value stores nothing is the only copy: there need not be one.
    let stores = || subject.files.iter().filter(|(_, labels)| !labels.is_empty());
    let is_there = |path: &Path| fs::metadata(path).is_ok_and(|file| file.len() > 0);
    let (there, missing): (Vec<_>, Vec<_>) = stores().partition(|(path, _)| is_there(path));
    if there.is_empty() {
        let why = "the node has no databases yet: it was never started with this configuration";
        report.could_not_see(Check::Databases, why);
    } else {
        // A node makes its files when it starts, and fills them when they are first needed.
        let missing = missing.into_iter().filter(|(path, _)| !path.exists());
        let missing: Vec<_> = missing.map(|(path, _)| path.display().to_string()).collect();
        report.saw(Check::Databases, database::missing(&missing));
    }
    for (path, labels) in subject.files.iter().filter(|(path, _)| is_there(path)) {
        probe_database(path, labels, known, (is_open, time_max), report);
    }
}

fn probe_database(
    path: &Path,
    labels: &BTreeSet<String>,
    known: &BTreeMap<String, u64>,
    (is_open, time_max): (bool, Duration),
    report: &mut Report,
) {
    let name = path.display().to_string();
    let seen = match inspect_file(path, is_open, time_max) {
        Ok(seen) => seen,
        Err(Error::Busy(reason)) => {
            return report.saw_a_part(Check::Databases, format!("{name}: {reason}"));
        }
        Err(error) => {
            let found = database::unreadable(&name, &error.to_string());
            return report.saw(Check::Databases, [found]);
        }
    };
    let Inspection { has_wal, wal_bytes, version, application, damage, is_complete } = seen;
    if !is_complete {
        let why = format!("{name} is larger than can be looked through in time: --thorough");
        report.saw_a_part(Check::Databases, why);
    }
    // SQLite writes a heading, and then what is wrong, on lines of their own.
    let damage = damage.as_deref().and_then(|text| text.lines().last()).map(str::to_owned);
    let journal_mode = if has_wal { "wal" } else { "delete" }.to_owned();
    let seen = DatabaseSeen { path: name, journal_mode, version, application, damage, wal_bytes };
    let known = labels.iter().filter_map(|label| known.get(label)).max().copied();
    let found = seen.judge(known);
    for check in [Check::Databases, Check::JournalMode, Check::Wal] {
        report.saw(check, []);
    }
    if known.is_some() {
        report.saw(Check::Schema, []);
    }
    report.add(found);
}
