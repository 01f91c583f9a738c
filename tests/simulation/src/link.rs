//! The line between a node and the one above it.

use rand::RngExt;
use rand::rngs::StdRng;

use crate::time::{DAY, MINUTE, MS, SECOND, Time, of_seconds};

/// What a line is like.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Bits a second, upwards; as many come down.
    pub bits: f64,
    /// One way.
    pub delay: Time,
}

/// Kinds of lines, and how many in a hundred have them: those of large cities come last.
const KINDS: [(usize, Quality); 4] = [
    (10, Quality { bits: 0.5e6, delay: 150 * MS }),
    (35, Quality { bits: 2e6, delay: 40 * MS }),
    (35, Quality { bits: 10e6, delay: 20 * MS }),
    (20, Quality { bits: 50e6, delay: 10 * MS }),
];
/// Short outages of a line in a day, and how long one is, both on average.
const CUTS_A_DAY: f64 = 2.0;
const CUT: Time = 2 * MINUTE;
/// How long it takes to find out that a line is down, if nothing is underway.
pub const REFUSED: Time = 3 * SECOND;

/// A line.
#[derive(Clone, Debug)]
pub struct Link {
    pub quality: Quality,
    /// When it is down: from, until; in order.
    outages: Vec<(Time, Time)>,
    /// Outages that are over.
    past: usize,
    /// When all that was sent will have gone out.
    free: Time,
}

impl Link {
    /// The line of a city, by its rank in size: 0 is the largest of so many.
    pub fn of(rank: usize, cities: usize) -> Quality {
        let place = (cities - 1 - rank) * 100 / cities;
        let mut upto = 0;
        for (share, quality) in KINDS {
            upto += share;
            if place < upto {
                return quality;
            }
        }
        KINDS[KINDS.len() - 1].1
    }

    pub fn new(quality: Quality) -> Self {
        Self { quality, outages: Vec::new(), past: 0, free: 0 }
    }

    /// Cuts it for a moment now and then.
    pub fn with_cuts(mut self, from: Time, until: Time, random: &mut StdRng) -> Self {
        let mut at = from;
        loop {
            at += exponential(random, DAY as f64 / CUTS_A_DAY);
            if at >= until {
                return self;
            }
            let end = at + exponential(random, CUT as f64) + SECOND;
            self = self.with_outage(at, end);
            at = end;
        }
    }

    /// Cuts it.
    #[must_use]
    pub fn with_outage(mut self, from: Time, until: Time) -> Self {
        let (mut from, mut until) = (from, until);
        self.outages.retain(|(start, end)| {
            let is_apart = *end < from || *start > until;
            if !is_apart {
                (from, until) = (from.min(*start), until.max(*end));
            }
            is_apart
        });
        let place = self.outages.partition_point(|(start, _)| *start < from);
        self.outages.insert(place, (from, until));
        self
    }

    /// Whether it has been down at some time since `then`, which is not long ago.
    pub fn was_down(&mut self, then: Time, now: Time) -> bool {
        while self.outages.get(self.past).is_some_and(|(_, end)| *end + MINUTE <= then) {
            self.past += 1;
        }
        let begun = self.outages.iter().skip(self.past).take_while(|(start, _)| *start <= now);
        begun.into_iter().any(|(_, end)| *end > then)
    }

    /// The same of any time that is not long past, without remembering.
    pub fn was_up(&self, then: Time, now: Time) -> bool {
        let begun = self.outages.iter().take_while(|(start, _)| *start <= now);
        !begun.into_iter().any(|(_, end)| *end > then)
    }

    /// When the last byte of a message arrives that is sent now. Short messages share the line
    /// with what is underway, long ones follow it.
    pub fn arrival(&mut self, now: Time, bytes: u64) -> Time {
        const SHORT: u64 = 8_192;
        let takes = of_seconds(bytes as f64 * 8.0 / self.quality.bits);
        if bytes < SHORT {
            let share = if self.free > now { 2 } else { 1 };
            return now + takes * share + self.quality.delay;
        }
        self.free = self.free.max(now) + takes;
        self.free + self.quality.delay
    }

    /// A message of so many bytes that would have arrived at a moment is broken off.
    pub fn cancel(&mut self, now: Time, bytes: u64, arrives: Time) {
        let takes = of_seconds(bytes as f64 * 8.0 / self.quality.bits);
        let left = arrives.saturating_sub(self.quality.delay).saturating_sub(now).min(takes);
        self.free = self.free.saturating_sub(left).max(now.min(self.free));
    }

    /// When the answer of so many bytes arrives.
    pub fn answer(&self, now: Time, bytes: u64) -> Time {
        now + of_seconds(bytes as f64 * 8.0 / self.quality.bits) + self.quality.delay
    }
}

fn exponential(random: &mut StdRng, mean: f64) -> Time {
    (-(1.0 - random.random::<f64>()).ln() * mean) as Time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_join_and_are_noticed() {
        let link =
            Link::new(KINDS[1].1).with_outage(50, 60).with_outage(10, 20).with_outage(15, 55);
        assert_eq!(link.outages, [(10, 60)]);
        let mut link = link.with_outage(100, 110);
        let mut at = |then, now| link.was_down(then, now);
        assert!(
            !at(0, 9) && at(0, 10) && at(59, 59) && !at(60, 99) && at(70, 105) && !at(110, 200)
        );
    }

    #[test]
    fn long_messages_follow_each_other() {
        let mut link = Link::new(Quality { bits: 8e6, delay: 10 });
        assert_eq!(link.arrival(0, 1_000_000), SECOND + 10);
        assert_eq!(link.arrival(0, 1_000_000), 2 * SECOND + 10);
        assert_eq!(link.arrival(0, 100), 210);
        assert_eq!(link.arrival(3 * SECOND, 100), 3 * SECOND + 110);
        let arrives = link.arrival(3 * SECOND, 1_000_000);
        link.cancel(3 * SECOND + SECOND / 2, 1_000_000, arrives);
        assert_eq!(link.arrival(4 * SECOND, 1_000_000), 5 * SECOND + 10);
    }
}
