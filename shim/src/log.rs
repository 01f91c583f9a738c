//! The daemon's log: containerd reads it from a FIFO in the bundle, and writes it into its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use rustix::fs::OFlags;
use tracing::level_filters::LevelFilter;

/// The FIFO, in the bundle.
const FIFO: &str = "log";

/// A FIFO that may have no reader: what does not fit then is lost, rather than waited for.
struct Fifo(File);

impl Write for Fifo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends what is logged to containerd. Without its FIFO, nothing is.
pub fn to_containerd(is_debug: bool) {
    // For reading too: a containerd that was started anew opens it again.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let fifo = OpenOptions::new().read(true).write(true).custom_flags(flags).open(FIFO);
    let Ok(fifo) = fifo else { return };
    // A panic is told there, too.
    let _ = rustix::stdio::dup2_stderr(&fifo);
    let level = if is_debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
    tracing_subscriber::fmt()
        .with_writer(Mutex::new(Fifo(fifo)))
        .with_ansi(false)
        .with_max_level(level)
        .init();
}
