//! What is kept of a node's week.

use serde::{Deserialize, Serialize};

/// How often a sample is taken, in seconds.
pub const PERIOD_S: i64 = 600;
/// Days that are kept: a week, and the one that is under way.
pub const DAYS: i64 = 8;
const DAY_S: i64 = 86_400;

/// What a host has measured of requests from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// For how long, in seconds.
    pub seconds: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Of them, those with a status from 500 on.
    pub failed: u64,
    /// Of 100 answers, 99 took no longer than this, in seconds. None: there were none.
    pub p99_s: Option<f64>,
}

/// A disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Bytes that are free for the node.
    pub free: u64,
    /// Bytes that it has.
    pub size: u64,
}

/// What a host knows, which no component does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Requests since the sample before. None: this is the host's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<Requests>,
    /// The disk where the state is. None: it cannot be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
}

/// How a node stood at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When, in seconds since 1970.
    pub at: i64,
    /// What the host knows. None: it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// Everything that was ever recorded here: the last sequences of all journals together.
    pub recorded: u64,
    /// Changes that the node above has not applied. None: there is no node above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsynced: Option<u64>,
    /// Bytes that the stores take.
    pub stored: u64,
}

/// The samples of one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// Days since 1970.
    pub day: i64,
    /// In the order of their times.
    pub samples: Vec<Sample>,
}

/// The place in the ring of the day in which a moment is, from 0 to [`DAYS`] - 1.
#[must_use]
pub fn place(at: i64) -> i64 {
    at.div_euclid(DAY_S).rem_euclid(DAYS)
}

/// Whether a sample is due: there is none of this period yet, as far as the last one tells.
#[must_use]
pub fn is_due(last: Option<i64>, now: i64) -> bool {
    last.is_none_or(|last| last.div_euclid(PERIOD_S) != now.div_euclid(PERIOD_S))
}

impl Day {
    /// When its last sample was taken.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.samples.last().map(|sample| sample.at)
    }

    /// Takes in a sample, in place of that of the same period if it says no less. A day that is
    /// long gone makes room.
    pub fn record(&mut self, sample: Sample) {
        let day = sample.at.div_euclid(DAY_S);
        if self.day != day {
            *self = Self { day, samples: Vec::new() };
        }
        let period = sample.at.div_euclid(PERIOD_S);
        let place = self.samples.partition_point(|it| it.at.div_euclid(PERIOD_S) < period);
        match self.samples.get_mut(place).filter(|it| it.at.div_euclid(PERIOD_S) == period) {
            Some(there) if there.host.is_some() && sample.host.is_none() => {}
            Some(there) => *there = sample,
            None => self.samples.insert(place, sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(at: i64) -> Sample {
        Sample { at, ..Sample::default() }
    }

    #[test]
    fn one_sample_of_a_period_is_kept_and_the_one_that_knows_the_host() {
        let mut day = Day::default();
        day.record(sample(10));
        let host = Some(Host::default());
        day.record(Sample { host: host.clone(), ..sample(20) });
        day.record(sample(30));
        day.record(sample(PERIOD_S));
        assert_eq!(day.samples.iter().map(|it| it.at).collect::<Vec<_>>(), [20, PERIOD_S]);
        assert_eq!(day.samples[0].host, host);
    }

    #[test]
    fn a_sample_is_due_once_a_period() {
        assert!(is_due(None, 5) && is_due(Some(5), PERIOD_S) && is_due(Some(PERIOD_S), 5));
        assert!(!is_due(Some(5), PERIOD_S - 1));
    }

    #[test]
    fn what_a_later_release_adds_to_a_sample_is_no_hindrance() {
        let text = r#"{"day":1,"samples":[{"at":86400,"recorded":1,"stored":2,"moods":[3]}]}"#;
        let day: Day = serde_json::from_str(text).unwrap();
        assert_eq!(day.samples, [Sample { recorded: 1, stored: 2, ..sample(DAY_S) }]);
    }

    proptest! {
        #[test]
        fn a_day_is_in_order_and_of_one_day_only(
            times in prop::collection::vec(0..20 * DAY_S, 1..99),
        ) {
            let mut ring: Vec<Day> = (0..DAYS).map(|_| Day::default()).collect();
            for at in &times {
                ring[place(*at) as usize].record(sample(*at));
            }
            for day in ring {
                prop_assert!(day.samples.is_sorted_by_key(|it| it.at));
                prop_assert!(day.samples.iter().all(|it| it.at.div_euclid(DAY_S) == day.day));
                prop_assert!(day.samples.len() <= (DAY_S / PERIOD_S) as usize);
            }
            let newest = *times.last().unwrap();
            prop_assert!(!is_due(Some(newest), newest));
        }
    }
}
