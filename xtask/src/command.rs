//! Running other programs.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::progress::say;

/// Runs a command with its output in view.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// Runs a command whose output is shown only if it fails.
pub fn run_unseen(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("starting {}", shown(command)))?;
    if !output.status.success() {
        for stream in [&output.stdout, &output.stderr] {
            say(String::from_utf8_lossy(stream).trim_end());
        }
    }
    ensure!(output.status.success(), "{} ended with {}", shown(command), output.status);
    Ok(())
}

/// Runs a command with its output in view, and shows each line of its standard output to `watch`
/// too.
pub fn run_watched(command: &mut Command, mut watch: impl FnMut(&str)) -> Result<()> {
    let what = shown(command);
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.with_context(|| format!("starting {what}"))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            // What tests print need not be text.
            let line = String::from_utf8_lossy(&line?).into_owned();
            println!("{line}");
            watch(&line);
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{what} ended with {status}");
    Ok(())
}

/// Runs a command and answers what it printed, trimmed.
pub fn read_output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", shown(command)))?;
    ensure!(output.status.success(), "{} ended with {}", shown(command), output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Whether a program is on the path.
pub fn is_installed(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}
