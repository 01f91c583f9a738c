//! What a person sees while work goes on.

use std::time::Instant;

use anyhow::Result;

/// Runs a step under a headline, and says how long it took.
pub fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {title}");
    let start = Instant::now();
    let outcome = work();
    let seconds = start.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => eprintln!("    done in {seconds:.1} s"),
        Err(_) => eprintln!("    FAILED after {seconds:.1} s"),
    }
    outcome
}
