//! What a person sees while work goes on: headlines, and one line that says how far builds are.
//!
//! Several builds may run at one time. On a terminal their line stays the last one and is written
//! over; in a log it appears every [`LOG_EVERY`]. All that this program prints goes through
//! [`say`], so that nothing ends up in the middle of it.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::command::shown;

/// How often the line about builds is written on a terminal.
const SCREEN_EVERY: Duration = Duration::from_millis(100);
/// How often it is written in a log.
const LOG_EVERY: Duration = Duration::from_secs(15);
/// How often it is when nothing happens.
const AGAIN: Duration = Duration::from_secs(1);
/// Characters of that line, so that it fits a narrow terminal.
const LINE_MAX: usize = 78;
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

/// Runs a step under a headline, and says how long it took. When it fails, the error says what to
/// do next: `advice`, as the beginning of a sentence.
pub fn step<T>(title: &str, advice: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("==> {title}"));
    let start = Instant::now();
    let outcome = work();
    let took = clock(start.elapsed());
    say(&match &outcome {
        Ok(_) => format!("    done in {took}"),
        Err(_) => format!("    FAILED after {took}"),
    });
    outcome.with_context(|| advice.to_owned())
}

/// Numbered steps, so that whoever waits knows how many are left.
pub struct Steps {
    start: Instant,
    done: u32,
    all: u32,
}

impl Steps {
    /// So many are to come.
    pub fn new(all: u32) -> Self {
        Self { start: Instant::now(), done: 0, all }
    }

    /// Runs the next one, as [`step`] does.
    pub fn step<T>(
        &mut self,
        title: &str,
        advice: &str,
        work: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        self.done += 1;
        let so_far = match self.done {
            1 => String::new(),
            _ => format!(", {} so far", clock(self.start.elapsed())),
        };
        step(&format!("{title} (step {} of {}{so_far})", self.done, self.all), advice, work)
    }
}

/// Prints a line on standard error.
pub fn say(line: &str) {
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    board.clear();
    eprintln!("{line}");
    board.written = None;
}

/// Runs Cargo and shows how far it is, under a short label. What it says beyond that, errors and
/// warnings, is passed on.
pub fn build(label: &str, cargo: &mut Command) -> Result<()> {
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
                    with_board(Board::show);
                }
            });
            let followed = follow(label, BufReader::new(output));
            drop(over);
            followed
        })?;
    }
    with_board(|board| board.builds.retain(|(name, _)| name != label));
    let status = child.wait()?;
    ensure!(status.success(), "{what} ended with {status}");
    Ok(())
}

/// Reads what Cargo says: lines, and between carriage returns how far it is.
fn follow(label: &str, mut output: impl BufRead) -> Result<()> {
    let mut part = Vec::new();
    loop {
        let bytes = output.fill_buf()?;
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        part.extend(bytes.iter().take(end.unwrap_or(bytes.len())));
        let (is_over, read) = (bytes.is_empty(), end.map_or(bytes.len(), |end| end + 1));
        output.consume(read);
        if end.is_some() || is_over {
            heard(label, &String::from_utf8_lossy(&part));
            part.clear();
        }
        if is_over {
            return Ok(());
        }
    }
}

fn heard(label: &str, part: &str) {
    match progress(part) {
        Some(progress) => with_board(|board| board.tell(label, progress)),
        None if is_usual(part) => {}
        None => say(part),
    }
}

/// How far Cargo is, by its own line: `Building [==>  ] 37/275: serde, syn` is `37/275 serde, syn`.
fn progress(line: &str) -> Option<String> {
    let (_, progress) = line.split_once("Building [")?.1.split_once("] ")?;
    Some(progress.trim().replacen(':', "", 1))
}

fn is_usual(line: &str) -> bool {
    let line = line.trim_start_matches("\u{1b}[K").trim();
    line.is_empty() || USUAL.iter().any(|usual| line.starts_with(usual))
}

/// The builds that are underway, and when their line was last written.
struct Board {
    builds: Vec<(String, String)>,
    written: Option<Instant>,
    start: Option<Instant>,
}

static BOARD: Mutex<Board> = Mutex::new(Board { builds: Vec::new(), written: None, start: None });

fn with_board(change: impl FnOnce(&mut Board)) {
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut board);
    if board.builds.is_empty() {
        board.clear();
        board.start = None;
    }
}

impl Board {
    fn tell(&mut self, label: &str, progress: String) {
        match self.builds.iter_mut().find(|(name, _)| name == label) {
            Some((_, told)) => *told = progress,
            None => self.builds.push((label.to_owned(), progress)),
        }
        self.show();
    }

    /// Writes the line, if it is time to.
    fn show(&mut self) {
        if self.builds.is_empty() {
            return;
        }
        let is_terminal = std::io::stderr().is_terminal();
        let every = if is_terminal { SCREEN_EVERY } else { LOG_EVERY };
        let start = *self.start.get_or_insert_with(Instant::now);
        if self.written.unwrap_or(start).elapsed() < every {
            return;
        }
        let line = line(&self.builds, start.elapsed());
        let (before, after) = if is_terminal { ("\r\u{1b}[K", "") } else { ("", "\n") };
        eprint!("{before}{line}{after}");
        let _ = std::io::stderr().flush();
        self.written = Some(Instant::now());
    }

    /// Takes the line off a terminal.
    fn clear(&self) {
        if self.written.is_some() && std::io::stderr().is_terminal() {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// The line about builds, cut to the width that it may have.
fn line(builds: &[(String, String)], elapsed: Duration) -> String {
    let each = builds.iter().map(|(label, progress)| {
        // With several, there is no room for the names of crates.
        let counts = progress.split_once(' ').map_or(progress.as_str(), |(counts, _)| counts);
        format!("{label} {}", if builds.len() > 1 { counts } else { progress })
    });
    let each: Vec<_> = each.collect();
    format!("    {} {}", clock(elapsed), each.join(", ")).chars().take(LINE_MAX).collect()
}

/// A time as people say it: `4.2 s`, `3 min 5 s`.
pub fn clock(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_own_line_says_how_far_it_is() {
        let line = "    Building [=====>          ] 37/275: serde_json, syn(build)";
        assert_eq!(progress(line).as_deref(), Some("37/275 serde_json, syn(build)"));
        assert_eq!(progress("error[E0425]: cannot find value `x`"), None);
        assert!(is_usual("   Compiling serde v1.0.0") && is_usual(" "));
        assert!(!is_usual("warning: unused variable"));
    }

    #[test]
    fn several_builds_share_a_line() {
        let pair = |label: &str, told: &str| (label.to_owned(), told.to_owned());
        let two = [pair("components", "3/90 syn"), pair("host", "40/275 tokio, h2")];
        assert_eq!(
            line(&two, Duration::from_secs(65)),
            "    1 min 5 s components 3/90, host 40/275"
        );
        assert_eq!(line(&two[..1], Duration::from_secs(5)), "    5.0 s components 3/90 syn");
        let long = [pair("host", &"x".repeat(200))];
        assert_eq!(line(&long, Duration::ZERO).chars().count(), LINE_MAX);
    }
}
