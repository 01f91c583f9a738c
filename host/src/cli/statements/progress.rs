//! What who waits for an export sees: on standard error, and only on a terminal.

use std::io::{IsTerminal, stderr};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Brings a terminal back to the beginning of an empty line.
const EMPTY_LINE: &str = "\r\x1b[K";

/// How far an export is.
pub struct ExportProgress {
    is_shown: bool,
}

/// What is told of a statement.
#[derive(Deserialize)]
struct StoredAt<'a> {
    stored: &'a str,
}

impl ExportProgress {
    /// Shown if standard error is a terminal.
    pub fn new() -> Self {
        Self { is_shown: stderr().is_terminal() }
    }

    /// So many statements are written, these the last.
    pub fn show_count(&self, count: u64, last: &[Box<RawValue>]) {
        let last = last.last().filter(|_| self.is_shown);
        let stored = last.and_then(|last| serde_json::from_str::<StoredAt>(last.get()).ok());
        if let Some(StoredAt { stored }) = stored {
            eprint!("{EMPTY_LINE}{count} statements, stored until {stored}");
        }
    }

    /// Says what went wrong and will be tried again; in a log, too.
    pub fn note_failure(&self, text: &str) {
        self.clear_line();
        eprintln!("{text}");
    }

    /// Ends the line that [`ExportProgress::show_count`] writes to.
    pub fn clear_line(&self) {
        if self.is_shown {
            eprint!("{EMPTY_LINE}");
        }
    }

    /// Says what there is now.
    pub fn show_done(&self, count: u64, output: Option<&Path>) {
        let plural = if count == 1 { "" } else { "s" };
        match output {
            Some(path) => println!("Wrote {count} statement{plural} to {}", path.display()),
            None if self.is_shown => eprintln!("{count} statement{plural}"),
            None => {}
        }
    }
}
