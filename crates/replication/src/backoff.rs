//! How long to leave an upstream alone.

use std::time::Duration;

/// The longest pause between two attempts: a link that is up again is used within this time.
pub const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The shortest, before it is halved.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The pause after a failed round, when rounds have failed for this long: about as long as that
/// again, so pauses double, and between half and all of it, so that nodes which lost their
/// upstream together do not come back in step. `random` may be any number.
pub fn pause_after_failure(failing_for: Duration, random: u64) -> Duration {
    let longest = failing_for.clamp(PAUSE_MIN, PAUSE_MAX).as_millis() as u64;
    let half = longest / 2;
    Duration::from_millis(half + random % (longest - half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_are_bounded_and_scatter(seconds in 0u64..10_000_000, random: u64) {
            let pause = pause_after_failure(Duration::from_secs(seconds), random);
            prop_assert!(pause >= PAUSE_MIN / 2 && pause <= PAUSE_MAX);
        }
    }

    #[test]
    fn they_double() {
        let mut failing_for = Duration::ZERO;
        let mut attempts = 0;
        while failing_for < Duration::from_secs(3_600) {
            failing_for += pause_after_failure(failing_for, u64::MAX / 2);
            attempts += 1;
        }
        // An hour at one a second would be 3,600.
        assert!(attempts < 150, "{attempts}");
    }
}
