use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long anything may take before a test gives up on it. Generous: it is not what tests
/// measure.
const DEADLINE: Duration = Duration::from_secs(180);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// Looks until an attempt answers something. An attempt that fails, rather than answering nothing
/// yet, ends the wait.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(found) = attempt()? {
            return Ok(found);
        }
        thread::sleep(PAUSE);
    }
    bail!("waited {DEADLINE:?} in vain: {what}")
}
