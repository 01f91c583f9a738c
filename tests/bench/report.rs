//! Figures, as a table shows them.

use std::time::Duration;

/// Times, to be asked for percentiles.
#[derive(Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// Takes times in any order.
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: Self) {
        self.0.extend(other.0);
        self.0.sort_unstable();
    }

    /// The time that this share of all does not exceed, e.g. 0.99.
    pub fn percentile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let index = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(index.saturating_sub(1).min(last)).copied().unwrap_or_default()
    }
}

/// The middle one of sorted values; of an even number, the lower of the two.
pub fn median<T: Copy>(sorted: &[T]) -> Option<T> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

/// A time in milliseconds, e.g. `4.07 ms`.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// A row of a Markdown table.
pub fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times = Times::new((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(times.percentile(0.5), Duration::from_millis(50));
        assert_eq!(times.percentile(0.99), Duration::from_millis(99));
        assert_eq!(times.percentile(0.999), Duration::from_millis(100));
        assert_eq!(Times::new(Vec::new()).percentile(0.5), Duration::ZERO);
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(median(&[1, 5, 9]), Some(5));
        assert_eq!(median(&[1, 5, 9, 10]), Some(5));
        assert_eq!(median::<u32>(&[]), None);
    }
}
