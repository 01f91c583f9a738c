//! What who waits for an import sees: on standard error, moving only on a terminal.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// Brings a terminal back to the beginning of an empty line.
const EMPTY_LINE: &str = "\r\x1b[K";
/// How often a log is told.
const NEWS: Duration = Duration::from_secs(30);
const MB: f64 = 1e6;

/// How far an import is.
pub struct ImportProgress {
    is_terminal: bool,
    told: Cell<Instant>,
}

impl ImportProgress {
    /// Nothing is done yet.
    pub fn new() -> Self {
        Self { is_terminal: stderr().is_terminal(), told: Cell::new(Instant::now()) }
    }

    /// So many of all bytes are done.
    pub fn show_bytes(&self, what: &str, done: u64, all: u64) {
        let line = format!("{:.1} of {:.1} MB {what}", done as f64 / MB, all as f64 / MB);
        if self.is_terminal {
            eprint!("{EMPTY_LINE}{line}");
        } else if self.told.get().elapsed() >= NEWS {
            self.told.set(Instant::now());
            eprintln!("{line}");
        }
    }

    /// Says what went wrong and will be tried again; in a log, too.
    pub fn note_failure(&self, text: &str) {
        self.clear_line();
        eprintln!("{text}");
    }

    /// Ends the line that [`ImportProgress::show_bytes`] writes to.
    pub fn clear_line(&self) {
        if self.is_terminal {
            eprint!("{EMPTY_LINE}");
        }
    }
}
