//! `hedge backup` and `hedge restore`.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;

use super::location::Location;
use crate::backup::{self, BackupSummary, Progress, Restored, restore_backup};

/// Steps that take no longer than this are not worth a line.
const SILENCE: Duration = Duration::from_secs(2);
/// How often a step that takes longer says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;

/// The arguments of `hedge backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The folder to make; it is there when it is whole
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Replace the backup that is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    location: Location,
}

/// The arguments of `hedge restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder that `hedge backup` made
    backup: PathBuf,
    #[command(flatten)]
    location: Location,
}

impl Backup {
    /// Runs the command.
    ///
    /// # Errors
    /// As [`backup::create_backup`].
    pub fn run(self) -> Result<()> {
        let config = self.location.load_config()?;
        let BackupSummary { databases, bytes } =
            backup::create_backup(&config, &self.to, self.force, &ConsoleProgress::new())?;
        println!(
            "Wrote {databases} databases, {} MiB, to {}",
            bytes.div_ceil(MIB),
            self.to.display()
        );
        Ok(())
    }
}

impl Restore {
    /// Runs the command.
    ///
    /// # Errors
    /// As [`restore_backup`].
    pub fn run(self) -> Result<()> {
        let config = self.location.load_config()?;
        let Restored { made_at, databases, replaced } =
            restore_backup(&self.backup, &config, &ConsoleProgress::new())?;
        for database in databases {
            println!("{} is as it was at {made_at}", database.display());
        }
        for folder in replaced {
            println!("What was there before is in {}", folder.display());
        }
        Ok(())
    }
}

/// Progress on standard error: of steps that take a while, and on a terminal of all.
struct ConsoleProgress {
    is_terminal: bool,
    begun: Cell<Instant>,
    reported: Cell<Instant>,
    step: Cell<String>,
}

impl ConsoleProgress {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            is_terminal: stderr().is_terminal(),
            begun: Cell::new(now),
            reported: Cell::new(now),
            step: Cell::default(),
        }
    }
}

impl Progress for ConsoleProgress {
    fn begin_step(&self, step: &str) {
        let now = Instant::now();
        self.begun.set(now);
        self.reported.set(now);
        self.step.set(step.to_owned());
        if self.is_terminal {
            eprintln!("{step} ...");
        }
    }

    fn report_bytes(&self, done: u64, all: u64) {
        let now = Instant::now();
        let is_due = now - self.begun.get() > SILENCE && now - self.reported.get() > REPORT_EVERY;
        if is_due {
            self.reported.set(now);
            let step = self.step.take();
            eprintln!("{step}: {} of {} MiB", done / MIB, all.div_ceil(MIB));
            self.step.set(step);
        }
    }
}
