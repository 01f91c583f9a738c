//! Whether the clock can be right.

use crate::words::{self, span};
use crate::{Check, Finding};

/// Clocks that are further apart are wrong, in seconds: the rule of the alert `ClockSkewed`.
pub const SKEW_MAX_S: f64 = 30.0;
/// A file that was changed so far in the future was changed by another clock, in seconds.
const FUTURE_MAX_S: i64 = 120;

/// Judges this clock by when a file of the node was changed last. Both are seconds since 1970.
pub fn behind(now_s: i64, file: &str, changed_s: i64) -> Option<Finding> {
    let ahead_s = changed_s.saturating_sub(now_s);
    (ahead_s > FUTURE_MAX_S).then(|| {
        let what = format!(
            "This machine's clock is wrong: {file} was changed {} from now.",
            span(ahead_s)
        );
        Finding::wrong(
            Check::Clock,
            what,
            "Set the clock (`timedatectl`, or by hand with `date`), and see that it keeps time: a \
             clock that begins anew after each power cut needs a battery. The node may run \
             meanwhile.",
        )
    })
}

/// Judges both clocks by how far the one of the node above is ahead of this one's.
pub fn against_upstream(skew_s: f64) -> Option<Finding> {
    (skew_s.abs() > SKEW_MAX_S).then(|| {
        let what = format!(
            "The clocks of this node and of the node above differ: the other one is {}.",
            words::clock(skew_s)
        );
        Finding::wrong(
            Check::Clock,
            what,
            "Look at both beside a watch, and set the one that is wrong. Until then times in \
             records are wrong, and which of two changes counts as the later one.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_from_the_future_gives_the_clock_away() {
        assert_eq!(behind(1_000, "a.db", 1_120), None);
        let found = behind(0, "a.db", 172_800).unwrap();
        assert!(found.is_wrong() && found.what.contains("a.db was changed 2 days from now"));
    }

    #[test]
    fn the_limit_is_that_of_the_alert() {
        let rules = include_str!("../../../k3s/monitoring/rules/replication.yaml");
        let rule = format!("abs(hedgeschool_upstream_skew_seconds) > {SKEW_MAX_S}\n");
        assert!(rules.contains(&rule));
        assert_eq!(against_upstream(-30.0), None);
        let found = against_upstream(-3_600.0).unwrap();
        assert!(found.what.ends_with("the other one is 1 h behind."), "{}", found.what);
    }
}
