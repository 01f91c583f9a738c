//! What a city's learners do, as functions of time: no activity is kept anywhere.

use std::cell::Cell;

use crate::time::{DAY, HOUR, MINUTE, Time};

/// Share of a day's activities in each hour: a school day, homework in the evening.
const HOURS: [f64; 24] = [
    0.1, 0.1, 0.0, 0.0, 0.1, 0.3, 1.0, 4.0, 11.0, 13.0, 14.0, 12.0, 8.0, 7.0, 6.5, 5.0, 4.0, 3.5,
    3.0, 2.6, 2.2, 1.5, 0.8, 0.3,
];
/// When most happens.
pub const BUSIEST: Time = 10 * HOUR;
/// Activities of a learner at a sitting. Each writes over the resume document of the one before.
pub const SITTING: u64 = 5;
/// The time between two of them.
pub const STEP: Time = 4 * MINUTE;

/// Entries of a journal: a statement and a document for each activity, numbered in order of time.
#[derive(Clone, Debug)]
pub struct City {
    per_day: f64,
    /// Cities do not act in step.
    phase: f64,
    /// Share of a day before each hour.
    before: [f64; 25],
    /// What was found last: for now, and for a while ago.
    found: [Cell<Found>; 2],
}

/// A count, and from when until when it holds.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    from: Time,
    until: Time,
    count: u64,
}

/// What a piece of a journal comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    pub statements: u64,
    pub documents: u64,
}

impl Content {
    pub fn entries(self) -> u64 {
        self.statements + self.documents
    }
}

impl City {
    /// A city of so many activities a day.
    pub fn new(per_day: f64, phase: f64) -> Self {
        let total: f64 = HOURS.iter().sum();
        let mut before = [0.0; 25];
        let mut sum = 0.0;
        for (hour, share) in HOURS.iter().enumerate() {
            before[hour] = sum / total;
            sum += share;
        }
        before[24] = 1.0;
        Self { per_day, phase, before, found: Default::default() }
    }

    /// When activity number `activity` happens; the first one is 1.
    pub fn time_of(&self, activity: u64) -> Time {
        let days = (activity as f64 - self.phase).max(0.0) / self.per_day;
        let (day, share) = (days.floor(), days.fract());
        let hour = self.before.partition_point(|before| *before <= share).clamp(1, 24) - 1;
        let (from, to) = (self.before[hour], self.before[hour + 1]);
        let within = if to > from { (share - from) / (to - from) } else { 0.0 };
        day as Time * DAY + hour as Time * HOUR + (within * HOUR as f64) as Time
    }

    /// How many activities have happened.
    pub fn count(&self, now: Time) -> u64 {
        self.find(now, 0).count
    }

    fn find(&self, now: Time, memory: usize) -> Found {
        let known = self.found[memory].get();
        if (known.from..known.until).contains(&now) {
            return known;
        }
        let mut count = if now >= known.until && known.until > 0 { known.count + 1 } else { 0 };
        // Seldom is it not the next one.
        if count == 0 || self.time_of(count + 1) <= now {
            count = self.estimate(now);
        }
        while count > 0 && self.time_of(count) > now {
            count -= 1;
        }
        while self.time_of(count + 1) <= now {
            count += 1;
        }
        let from = if count > 0 { self.time_of(count) } else { 0 };
        let found = Found { from, until: self.time_of(count + 1), count };
        self.found[memory].set(found);
        found
    }

    fn estimate(&self, now: Time) -> u64 {
        let hour = (now % DAY / HOUR) as usize;
        let within = (now % HOUR) as f64 / HOUR as f64;
        let share = self.before[hour] + within * (self.before[hour + 1] - self.before[hour]);
        let estimate = self.per_day * ((now / DAY) as f64 + share) + self.phase;
        estimate.max(0.0) as u64
    }

    /// The journal's last sequence.
    pub fn head(&self, now: Time) -> u64 {
        2 * self.count(now)
    }

    /// When something next happens.
    pub fn next_after(&self, now: Time) -> Time {
        self.find(now, 0).until
    }

    /// The activities whose document may have been written over: through this one.
    pub fn settled(&self, now: Time) -> u64 {
        self.find(now.saturating_sub(STEP), 1).count
    }
}

/// The activity that a sequence belongs to.
pub fn activity_of(sequence: u64) -> u64 {
    sequence.div_ceil(2)
}

/// Whether a sequence is still in the journal when documents through activity `settled` are.
pub fn is_there(sequence: u64, settled: u64) -> bool {
    let activity = activity_of(sequence);
    !sequence.is_multiple_of(2) || activity > settled || activity.is_multiple_of(SITTING)
}

/// Statements in a part of the sequences.
pub fn statements(after: u64, through: u64) -> u64 {
    through.div_ceil(2) - after.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_and_counts_agree(
            per_day in 10.0..200_000.0,
            phase in 0.0..1.0,
            share in 0.0..30.0,
        ) {
            let city = City::new(per_day, phase);
            let activity = 1 + (per_day * share) as u64;
            let at = city.time_of(activity);
            prop_assert!(city.count(at) >= activity);
            prop_assert!(at == 0 || city.count(at - 1) < activity);
            prop_assert!(city.time_of(activity + 1) >= at);
            prop_assert!(city.next_after(at) > at);
        }

        #[test]
        fn a_day_has_its_activities(
            per_day in 10.0..200_000.0,
            phase in 0.0..1.0,
            day in 1u64..20,
        ) {
            let city = City::new(per_day, phase);
            let count = city.count((day + 1) * DAY) - city.count(day * DAY);
            prop_assert!((count as f64 - per_day).abs() <= 2.0);
        }
    }

    #[test]
    fn statements_are_every_second_sequence() {
        assert_eq!([statements(0, 1), statements(1, 2), statements(2, 6)], [1, 0, 2]);
        assert!(is_there(1, 9) && !is_there(2, 9) && is_there(10, 9) && is_there(20, 9));
    }
}
