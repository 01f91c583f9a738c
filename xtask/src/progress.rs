//! What a person sees while work goes on: headlines, and one line that says how far builds are.
//!
//! Several builds may run at one time. On a terminal their line stays the last one and is written
//! over; in a log it appears every [`LOG_EVERY`]. All that this program prints goes through
//! [`say`], so that nothing ends up in the middle of it.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How often the line about builds is written on a terminal.
const SCREEN_EVERY: Duration = Duration::from_millis(100);
/// How often it is written in a log.
const LOG_EVERY: Duration = Duration::from_secs(15);
/// Characters of that line, so that it fits a narrow terminal.
const LINE_MAX: usize = 78;
/// Runs a step under a headline, and says how long it took. When it fails, the error says what to
/// do next: `advice`, as the beginning of a sentence.
pub fn step<T>(title: &str, advice: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("==> {title}"));
    let start = Instant::now();
    let outcome = work();
    let took = format_time(start.elapsed());
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
            _ => format!(", {} so far", format_time(self.start.elapsed())),
        };
        step(&format!("{title} (step {} of {}{so_far})", self.done, self.all), advice, work)
    }
}

/// Prints a line on standard error.
pub fn say(line: &str) {
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    board.clear_line();
    eprintln!("{line}");
    board.written = None;
}

/// The builds that are underway, and when their line was last written.
struct Board {
    builds: Vec<(String, String)>,
    written: Option<Instant>,
    start: Option<Instant>,
}

static BOARD: Mutex<Board> = Mutex::new(Board { builds: Vec::new(), written: None, start: None });

/// Shows how far a build is, by its label.
pub fn show_build(label: &str, progress: String) {
    with_board(|board| {
        match board.builds.iter_mut().find(|(name, _)| name == label) {
            Some((_, told)) => *told = progress,
            None => board.builds.push((label.to_owned(), progress)),
        }
        board.show_line();
    });
}

/// Shows the line again, for time has passed.
pub fn show_builds() {
    with_board(Board::show_line);
}

/// Takes a build off the line: it has ended.
pub fn end_build(label: &str) {
    with_board(|board| board.builds.retain(|(name, _)| name != label));
}

fn with_board(change: impl FnOnce(&mut Board)) {
    let mut board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut board);
    if board.builds.is_empty() {
        board.clear_line();
        board.start = None;
    }
}

impl Board {
    /// Writes the line, if it is time to.
    fn show_line(&mut self) {
        if self.builds.is_empty() {
            return;
        }
        let is_terminal = std::io::stderr().is_terminal();
        let every = if is_terminal { SCREEN_EVERY } else { LOG_EVERY };
        let start = *self.start.get_or_insert_with(Instant::now);
        if self.written.unwrap_or(start).elapsed() < every {
            return;
        }
        let line = format_line(&self.builds, start.elapsed());
        let (before, after) = if is_terminal { ("\r\u{1b}[K", "") } else { ("", "\n") };
        eprint!("{before}{line}{after}");
        let _ = std::io::stderr().flush();
        self.written = Some(Instant::now());
    }

    /// Takes the line off a terminal.
    fn clear_line(&self) {
        if self.written.is_some() && std::io::stderr().is_terminal() {
            eprint!("\r\u{1b}[K");
        }
    }
}

/// The line about builds, cut to the width that it may have.
fn format_line(builds: &[(String, String)], elapsed: Duration) -> String {
    let each = builds.iter().map(|(label, progress)| {
        // With several, there is no room for the names of crates.
        let counts = progress.split_once(' ').map_or(progress.as_str(), |(counts, _)| counts);
        format!("{label} {}", if builds.len() > 1 { counts } else { progress })
    });
    let each: Vec<_> = each.collect();
    format!("    {} {}", format_time(elapsed), each.join(", ")).chars().take(LINE_MAX).collect()
}

/// A time as people say it: `4.2 s`, `3 min 5 s`.
pub fn format_time(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_builds_share_a_line() {
        let pair = |label: &str, told: &str| (label.to_owned(), told.to_owned());
        let two = [pair("components", "3/90 syn"), pair("host", "40/275 tokio, h2")];
        assert_eq!(
            format_line(&two, Duration::from_secs(65)),
            "    1 min 5 s components 3/90, host 40/275"
        );
        assert_eq!(format_line(&two[..1], Duration::from_secs(5)), "    5.0 s components 3/90 syn");
        let long = [pair("host", &"x".repeat(200))];
        assert_eq!(format_line(&long, Duration::ZERO).chars().count(), LINE_MAX);
    }
}
