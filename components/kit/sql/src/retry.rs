//! Trying again while another writer holds the database.

use std::time::{Duration, Instant};

use spin_sdk::wasip3::random::random::get_random_u64;

use crate::error::Error;

/// How long a statement may be refused before the caller hears [`Error::Busy`].
const DEADLINE: Duration = Duration::from_secs(5);
/// The first pause; it doubles up to [`PAUSE_MAX_US`].
const PAUSE_MIN_US: u64 = 200;
const PAUSE_MAX_US: u64 = 20_000;

/// Repeats an attempt while it finds the database busy, with jitter, until the deadline.
pub async fn while_busy<T>(attempt: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    let mut pause_us = PAUSE_MIN_US;
    loop {
        match attempt().await {
            Err(Error::Busy) if start.elapsed() < DEADLINE => sleep_about(pause_us).await,
            done => return done,
        }
        pause_us = (pause_us * 2).min(PAUSE_MAX_US);
    }
}

/// Sleeps between half and all of the given time, so that competitors do not return in step.
async fn sleep_about(upto_us: u64) {
    let pause_us = upto_us / 2 + get_random_u64() % (upto_us / 2 + 1);
    spin_sdk::time::sleep(Duration::from_micros(pause_us)).await;
}
