use std::time::Duration;

use crate::wire::BATCH_BYTES;

/// Where a round begins, in bytes of payload.
const INITIAL_BYTES: u32 = 128 << 10;
const BYTES_MIN: u32 = 16 << 10;
/// A batch that is answered within this time may be followed by larger ones.
const FAST_ANSWER: Duration = Duration::from_millis(500);
/// One that takes longer than this is followed by smaller ones.
const SLOW_ANSWER: Duration = Duration::from_secs(2);

/// How much to send at once: what goes over the link in about a second. On a slow link a large
/// batch would hold up what is fresh, hold one of the upstream's permits for as long as it travels,
/// and be lost as a whole when the link fails; on a fast one, small batches cost more than they
/// have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSizer(u32);

impl Default for BatchSizer {
    fn default() -> Self {
        Self(INITIAL_BYTES)
    }
}

impl BatchSizer {
    /// Size to aim for, in bytes of payload.
    pub fn target_bytes(self) -> u32 {
        self.0
    }

    /// Takes note that a batch of so many bytes was answered.
    pub fn record_answer(&mut self, bytes: u64, took: Duration) {
        let is_full = bytes * 2 > u64::from(self.0);
        if took > SLOW_ANSWER {
            self.0 = (self.0 / 2).max(BYTES_MIN);
        } else if took < FAST_ANSWER && is_full {
            self.0 = (self.0 * 2).min(BATCH_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Seconds that each of the batches of a round takes on a link of so many bytes a second.
    fn run_round(bytes_a_second: f64) -> Vec<f64> {
        let mut sizer = BatchSizer::default();
        let (mut times, mut left) = (Vec::new(), 10.0);
        while left > 0.0 {
            let bytes = sizer.target_bytes();
            let took = 0.05 + f64::from(bytes) / bytes_a_second;
            sizer.record_answer(bytes.into(), Duration::from_secs_f64(took));
            times.push(took);
            left -= took;
        }
        times
    }

    #[test]
    fn slow_links_get_small_batches_and_fast_ones_large() {
        // 0.25 Mbit/s, and 50.
        let (slow, fast) = (run_round(31_250.0), run_round(6_250_000.0));
        assert!(slow.last().unwrap() < &2.2, "{slow:?}");
        assert!(fast.len() > 45 && fast[4] > 0.2, "{fast:?}");
    }

    proptest! {
        #[test]
        fn they_are_bounded(answers in prop::collection::vec((0u64..3_000_000, 0u64..40_000), 0..100)) {
            let mut sizer = BatchSizer::default();
            for (bytes, took) in answers {
                sizer.record_answer(bytes, Duration::from_millis(took));
                prop_assert!((BYTES_MIN..=BATCH_BYTES).contains(&sizer.target_bytes()));
            }
        }
    }
}
