//! Running Cargo.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::command::shown;
use crate::progress::{end_build, say, show_build, show_builds};

/// How often it is shown how far a build is when nothing happens.
const AGAIN: Duration = Duration::from_secs(1);
/// What Cargo says of every crate; the line about builds says it shorter.
const USUAL: [&str; 10] = [
    "Compiling",
    "Checking",
    "Downloading",
    "Downloaded",
    "Finished",
    "Updating",
    "Locking",
    "Fresh",
    "Building",
    "Blocking",
];

/// Cargo: the one that runs this task, else the first on the path. It is not told about this
/// task's own package: build scripts that look at such variables would run again at every change
/// of the caller.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_of_own_package(name)) {
        cargo.env_remove(name);
    }
    cargo
}

fn is_of_own_package(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| variable.starts_with(start))
}

/// Runs Cargo and shows how far it is, under a short label. What it says beyond that, errors and
/// warnings, is passed on.
pub fn run_build(label: &str, cargo: &mut Command) -> Result<()> {
    let what = shown(cargo);
    cargo.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    let child = cargo.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("starting {what}"))?;
    if let Some(output) = child.stderr.take() {
        thread::scope(|scope| {
            // A crate that takes a minute is no reason to think that nothing goes on.
            let (over, is_over) = mpsc::channel::<()>();
            scope.spawn(move || {
                while is_over.recv_timeout(AGAIN) == Err(mpsc::RecvTimeoutError::Timeout) {
                    show_builds();
                }
            });
            let followed = follow_output(label, BufReader::new(output));
            drop(over);
            followed
        })?;
    }
    end_build(label);
    let status = child.wait()?;
    ensure!(status.success(), "{what} ended with {status}");
    Ok(())
}

/// Reads what Cargo says: lines, and between carriage returns how far it is.
fn follow_output(label: &str, mut output: impl BufRead) -> Result<()> {
    let mut part = Vec::new();
    loop {
        let bytes = output.fill_buf()?;
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        part.extend(bytes.iter().take(end.unwrap_or(bytes.len())));
        let (is_over, read) = (bytes.is_empty(), end.map_or(bytes.len(), |end| end + 1));
        output.consume(read);
        if end.is_some() || is_over {
            pass_on(label, &String::from_utf8_lossy(&part));
            part.clear();
        }
        if is_over {
            return Ok(());
        }
    }
}

fn pass_on(label: &str, part: &str) {
    match read_progress(part) {
        Some(progress) => show_build(label, progress),
        None if is_usual(part) => {}
        None => say(part),
    }
}

/// How far Cargo is, by its own line: `Building [==>  ] 37/275: serde, syn` is `37/275 serde, syn`.
fn read_progress(line: &str) -> Option<String> {
    let (_, progress) = line.split_once("Building [")?.1.split_once("] ")?;
    Some(progress.trim().replacen(':', "", 1))
}

fn is_usual(line: &str) -> bool {
    let line = line.trim_start_matches("\u{1b}[K").trim();
    line.is_empty() || USUAL.iter().any(|usual| line.starts_with(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_own_line_says_how_far_it_is() {
        let line = "    Building [=====>          ] 37/275: serde_json, syn(build)";
        assert_eq!(read_progress(line).as_deref(), Some("37/275 serde_json, syn(build)"));
        assert_eq!(read_progress("error[E0425]: cannot find value `x`"), None);
        assert!(is_usual("   Compiling serde v1.0.0") && is_usual(" "));
        assert!(!is_usual("warning: unused variable"));
    }
}
