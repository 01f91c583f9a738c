//! What is counted of all routes together, for who keeps it: rates, and how long answers take.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hedgeschool_history::Requests;
use http::StatusCode;

/// Upper bounds of the histogram's buckets, in seconds. 0.05 is what answers are to take at most.
pub const BOUNDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Those, and what lies beyond them.
const BUCKETS: usize = BOUNDS.len() + 1;
/// The share of answers that are to be fast.
const MOST: f64 = 0.99;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Tally {
    failed: AtomicU64,
    durations: [AtomicU64; BUCKETS],
}

/// What they were at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tallied {
    failed: u64,
    durations: [u64; BUCKETS],
}

impl Tally {
    /// A request was answered.
    pub fn count_answer(&self, status: StatusCode, seconds: f64) {
        if status.is_server_error() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.durations.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What is counted by now.
    pub fn read_counts(&self) -> Tallied {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tallied { failed: read(&self.failed), durations: self.durations.each_ref().map(read) }
    }
}

impl Tallied {
    /// What came since it was otherwise.
    pub fn since_earlier(&self, before: &Self, elapsed: Duration) -> Requests {
        let mut durations = self.durations;
        for (count, before) in durations.iter_mut().zip(&before.durations) {
            *count = count.saturating_sub(*before);
        }
        Requests {
            seconds: elapsed.as_secs().max(1),
            answered: durations.iter().sum(),
            failed: self.failed.saturating_sub(before.failed),
            p99_s: estimate_p99(&durations),
        }
    }
}

/// How long 99 of 100 answers took at most, in seconds: between the bounds of its bucket, as if
/// that were filled evenly. What lies beyond the last bound is shown as that.
fn estimate_p99(durations: &[u64; BUCKETS]) -> Option<f64> {
    let answered: u64 = durations.iter().sum();
    let rank = answered as f64 * MOST;
    let (mut below, mut lower) = (0.0, 0.0);
    for (count, upper) in durations.iter().zip(BOUNDS) {
        let within = *count as f64;
        if within > 0.0 && below + within >= rank {
            return Some(lower + (upper - lower) * (rank - below) / within);
        }
        (below, lower) = (below + within, upper);
    }
    (answered > 0).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_since_is_told_and_nothing_of_before() {
        let tally = Tally::default();
        tally.count_answer(StatusCode::BAD_GATEWAY, 20.0);
        let before = tally.read_counts();
        for _ in 0..99 {
            tally.count_answer(StatusCode::OK, 0.02);
        }
        tally.count_answer(StatusCode::SERVICE_UNAVAILABLE, 0.2);
        let since = tally.read_counts().since_earlier(&before, Duration::from_secs(600));
        assert_eq!((since.seconds, since.answered, since.failed), (600, 100, 1));
        assert!((since.p99_s.unwrap() - 0.025).abs() < 1e-9, "{since:?}");
    }

    #[test]
    fn a_percentile_lies_within_its_bucket() {
        let mut durations = [0; BUCKETS];
        assert_eq!(estimate_p99(&durations), None);
        durations[6] = 100;
        assert!((estimate_p99(&durations).unwrap() - (0.025 + 0.025 * 0.99)).abs() < 1e-9);
        durations[BUCKETS - 1] = 100;
        assert_eq!(estimate_p99(&durations), Some(10.0));
    }
}
