//! `hedge doctor`: looks at a node from its own machine, and says what is wrong with it.
//!
//! This module observes; what an observation means is judged by `hedgeschool-doctor`. Nothing is
//! modified: files are opened for reading, databases in the way of
//! [`hedge_sqlite::inspect`], and the nodes are asked nothing that they would note.
//!
//! Of the app it knows what everybody does who deploys it: its variables (`spin.toml`), its routes
//! over HTTP, and what its stores say of themselves in their files. No data of theirs is read.

mod components;
mod databases;
mod link;
mod machine;
mod node;
mod process;
mod subject;
mod tls;
mod words;

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use hedgeschool_doctor::{Check, Report, backup, clock};
use jiff::Timestamp;

use self::subject::{Subject, read_subject};
use self::words::{one_line, unix_seconds};
use crate::backup::{Progress, verify_backup};
use crate::paths::path_beside;

pub use subject::DoctorOptions;

/// Looks at a node.
///
/// # Errors
/// When there is no manifest to begin with.
pub fn examine_node(options: DoctorOptions) -> Result<Report> {
    let mut report = Report::new(env!("CARGO_PKG_VERSION"));
    let Some(subject) = read_subject(&options, &mut report)? else {
        mark_rest_unseen(
            &mut report,
            "without a manifest and a configuration nobody knows what there is",
        );
        return Ok(report.finish());
    };
    let known = components::probe_components(&subject.application, &mut report);
    let running = process::probe_process(&subject, &options, &mut report);
    machine::probe_machine(&subject, &mut report);
    databases::probe_databases(
        &subject,
        &known,
        running.is_open,
        options.database_time_max,
        &mut report,
    );
    probe_clock(&subject, &mut report);
    link::probe_upstream(&subject, &mut report);
    node::probe_node(&subject, &options, &running, &mut report);
    probe_backup(options.backup.as_deref(), &mut report);
    mark_rest_unseen(&mut report, "there was no way to look at it");
    Ok(report.finish())
}

/// Whatever was not looked at was not looked at.
fn mark_rest_unseen(report: &mut Report, why: &str) {
    for check in Check::all() {
        if !report.has_seen(check) {
            report.could_not_see(check, why);
        }
    }
}

/// Judges the clock by the files of the node: none can have been changed in the future.
fn probe_clock(subject: &Subject, report: &mut Report) {
    let program = std::env::current_exe().ok();
    let sources = subject.application.components.values().map(|component| component.source.clone());
    let files = subject.files.keys().flat_map(|file| [file.clone(), path_beside(file, "-wal")]);
    let changed = files.chain(sources).chain(program).filter_map(|file| {
        let changed = fs::metadata(&file).and_then(|file| file.modified()).ok()?;
        Some((unix_seconds(changed), file))
    });
    let newest = changed.max();
    let found = newest.and_then(|(changed_s, file)| {
        clock::behind(unix_seconds(SystemTime::now()), &file.display().to_string(), changed_s)
    });
    report.saw(Check::Clock, found);
}

/// Nobody is told how far it is.
struct Silently;

impl Progress for Silently {
    fn begin_step(&self, _: &str) {}
    fn report_bytes(&self, _: u64, _: u64) {}
}

fn probe_backup(folder: Option<&Path>, report: &mut Report) {
    let Some(folder) = folder else {
        return report.could_not_see(Check::Backup, "none was named: --backup FOLDER");
    };
    let found = match verify_backup(folder, &Silently) {
        Err(error) => Some(backup::unusable(&one_line(&error))),
        Ok(made_at) => match made_at.parse::<Timestamp>() {
            Err(error) => Some(backup::unusable(&error.to_string())),
            Ok(made) => backup::judge_age(unix_seconds(SystemTime::now()), made.as_second()),
        },
    };
    report.saw(Check::Backup, found);
}
