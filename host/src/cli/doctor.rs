//! `hedge doctor`: what is wrong with the node of this machine, and what to do about it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use hedgeschool_doctor::{Report, Severity};

use super::location::Location;
use super::node::parse_user;
use crate::doctor::{DoctorOptions, examine_node};
use crate::variables::Overrides;

/// What it ends with when it could not look.
const COULD_NOT_LOOK: u8 = 2;
/// How long it looks at each database, unless told otherwise.
const DATABASE_TIME: Duration = Duration::from_secs(10);

/// The arguments of `hedge doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    location: Location,
    /// A variable, as `hedge up` is given it; repeatable
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Where the node listens, or is to
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:3000",
        env = "SPIN_HTTP_LISTEN_ADDR"
    )]
    listen: SocketAddr,
    /// Where the node answers; when not given, where it listens
    #[arg(long, value_name = "URL", env = "HEDGE_URL")]
    url: Option<String>,
    /// An administrator's name and password; when not given, those of the variable bootstrap_admin
    #[arg(
        long,
        value_name = "NAME:PASSWORD",
        env = "HEDGE_USER",
        hide_env_values = true,
        value_parser = parse_user
    )]
    user: Option<String>,
    /// A backup to look at, too: the folder that `hedge backup` made
    #[arg(long, value_name = "FOLDER")]
    backup: Option<PathBuf>,
    /// Look through all of each database, however long that takes; when not given, 10 s each
    #[arg(long)]
    thorough: bool,
    /// Print JSON (docs/doctor.md)
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Runs the command: 0 if nothing is wrong, 1 if something is, 2 if it could not look.
    pub fn run(self) -> ExitCode {
        let as_json = self.json;
        let report = match self.examine_node() {
            Ok(report) => report,
            Err(error) => {
                eprintln!("Error: {error:#}");
                return ExitCode::from(COULD_NOT_LOOK);
            }
        };
        match serde_json::to_string_pretty(&report) {
            Ok(json) if as_json => println!("{json}"),
            _ => report_lines(&report).iter().for_each(|line| println!("{line}")),
        }
        if report.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn examine_node(self) -> Result<Report> {
        let runtime_config = self.location.load_config();
        examine_node(DoctorOptions {
            manifest: self.location.from,
            runtime_config,
            variables: Overrides::parse(&self.variables)?,
            listen: self.listen,
            url: self.url.map(|url| url.trim_end_matches('/').to_owned()),
            user: self.user,
            backup: self.backup,
            database_time_max: if self.thorough { Duration::MAX } else { DATABASE_TIME },
        })
    }
}

/// The report for people.
fn report_lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for finding in report.findings() {
        let severity = match finding.severity {
            Severity::Wrong => "WRONG",
            Severity::Warning => "WARNING",
        };
        lines.push(format!(
            "{severity}: {}. {}",
            finding.check.title(),
            printable_text(&finding.what)
        ));
        lines.push(format!("  To do: {}", printable_text(&finding.advice)));
        if let Some(detail) = &finding.detail {
            lines.push(format!("  Cause: {}", printable_text(detail)));
        }
        lines.push(format!("  More:  {}", finding.see));
        lines.push(String::new());
    }
    let wrong = report.findings().iter().filter(|finding| finding.is_wrong()).count();
    let wrong = match wrong {
        0 => "Nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        more => format!("{more} things are wrong"),
    };
    let warnings = report.findings().iter().filter(|finding| !finding.is_wrong()).count();
    let warnings = match warnings {
        0 => "no warnings".to_owned(),
        1 => "1 warning".to_owned(),
        more => format!("{more} warnings"),
    };
    let state = if report.is_running { "runs" } else { "does not run" };
    let in_order = report.count_in_order();
    lines.push(format!("The node {state}. {wrong}; {warnings}; checks in order: {in_order}."));
    lines.extend(unseen_lines(report));
    lines
}

/// What was not looked at, a line for each reason.
fn unseen_lines(report: &Report) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for unseen in report.not_looked_at() {
        match reasons.iter_mut().find(|(why, _)| *why == unseen.why) {
            Some((_, titles)) => titles.push(unseen.check.title()),
            None => reasons.push((&unseen.why, vec![unseen.check.title()])),
        }
    }
    let line = |(why, titles): (&str, Vec<&str>)| {
        format!("Not looked at ({}): {}", printable_text(why), titles.join(", "))
    };
    reasons.into_iter().map(line).collect()
}

/// A text as a terminal may be given it.
fn printable_text(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use hedgeschool_doctor::{Check, Finding};

    use super::*;

    #[test]
    fn what_is_found_is_told_with_what_to_do() {
        let mut report = Report::new("1");
        report.saw(Check::Clock, []);
        report.saw(Check::Disk, [Finding::wrong(Check::Disk, "It is \u{7}full.", "Make room.")]);
        report.could_not_see(Check::Backup, "none was named");
        let shown = [
            "WRONG: Disk. It is full.",
            "  To do: Make room.",
            "  More:  docs/runbook.md#disknearlyfull",
            "",
            "The node does not run. 1 thing is wrong; no warnings; checks in order: 1.",
            "Not looked at (none was named): Backup",
        ];
        assert_eq!(report_lines(&report.finish()), shown);
    }
}
