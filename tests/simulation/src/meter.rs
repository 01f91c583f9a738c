//! What is measured.

use crate::time::{MS, Time};

/// A histogram of times: 16 steps for each doubling, from a millisecond.
#[derive(Clone, Debug)]
pub struct Times {
    counts: Vec<u64>,
    total: u64,
    most: Time,
}

const STEPS: usize = 16;
const DOUBLINGS: usize = 31;

impl Default for Times {
    fn default() -> Self {
        Self { counts: vec![0; STEPS * DOUBLINGS], total: 0, most: 0 }
    }
}

impl Times {
    pub fn add(&mut self, time: Time, weight: u64) {
        let doublings = ((time / MS).max(1) as f64).log2();
        let place = ((doublings * STEPS as f64) as usize).min(STEPS * DOUBLINGS - 1);
        self.counts[place] += weight;
        self.total += weight;
        self.most = self.most.max(time);
    }

    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.most = self.most.max(other.most);
    }

    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn most(&self) -> Time {
        self.most
    }

    /// The time that a share of all does not exceed.
    pub fn percentile(&self, share: f64) -> Option<Time> {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut sum = 0;
        for (place, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= wanted && sum > 0 {
                let end = 2f64.powf((place + 1) as f64 / STEPS as f64) * MS as f64;
                return Some((end as Time).min(self.most));
            }
        }
        None
    }
}

/// What happened at one place in some span of time.
#[derive(Clone, Debug, Default)]
pub struct Bin {
    pub entries: u64,
    pub batches: u64,
    pub pulls: u64,
    pub refused: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    /// Time that the node above worked.
    pub busy: Time,
    /// Requests inside and in the queue, at most.
    pub requests_most: usize,
}

/// A series of them.
#[derive(Clone, Debug)]
pub struct Series {
    pub from: Time,
    pub width: Time,
    pub bins: Vec<Bin>,
}

impl Series {
    pub fn new(from: Time, width: Time) -> Self {
        Self { from, width, bins: Vec::new() }
    }

    /// The bin of a moment; none before the beginning.
    pub fn at(&mut self, now: Time) -> Option<&mut Bin> {
        let place = (now.checked_sub(self.from)? / self.width) as usize;
        if place >= self.bins.len() {
            self.bins.resize_with(place + 1, Bin::default);
        }
        self.bins.get_mut(place)
    }

    /// Points for a plot: the middle of each bin, and a figure of it.
    pub fn points(&self, figure: impl Fn(&Bin) -> f64) -> Vec<(Time, f64)> {
        let middle = |place: usize| self.from + self.width * place as u64 + self.width / 2;
        self.bins.iter().enumerate().map(|(place, bin)| (middle(place), figure(bin))).collect()
    }

    /// How busy the node above was.
    pub fn utilisation(&self) -> Vec<(Time, f64)> {
        self.points(|bin| bin.busy as f64 / self.width as f64)
    }
}

/// Who made an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// A node that was there all the time.
    Steady,
    /// One that was cut off.
    Away,
}

/// When it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before anything happened.
    Calm,
    /// While some were cut off.
    Outage,
    /// From the moment they came back until their backlogs were gone.
    Storm,
    /// Later.
    After,
}

/// Times from recording to being applied at the top, of statements.
#[derive(Clone, Debug)]
pub struct Lags {
    of: Vec<Times>,
    /// The same by when they were made, in spans of `width` since `from`.
    pub from: Time,
    pub width: Time,
    series: [Vec<Times>; 2],
}

impl Lags {
    pub fn new(from: Time, width: Time) -> Self {
        Self { of: vec![Times::default(); 8], from, width, series: [Vec::new(), Vec::new()] }
    }

    pub fn add(&mut self, group: Group, phase: Phase, made: Time, lag: Time, weight: u64) {
        self.of[group as usize * 4 + phase as usize].add(lag, weight);
        let Some(since) = made.checked_sub(self.from) else { return };
        let place = (since / self.width) as usize;
        let series = &mut self.series[group as usize];
        if place >= series.len() {
            series.resize_with(place + 1, Times::default);
        }
        series[place].add(lag, weight);
    }

    pub fn of(&self, group: Group, phase: Phase) -> &Times {
        &self.of[group as usize * 4 + phase as usize]
    }

    /// A percentile of each span, in seconds.
    pub fn points(&self, group: Group, share: f64) -> Vec<(Time, f64)> {
        let middle = |place: usize| self.from + self.width * place as u64 + self.width / 2;
        let series = self.series[group as usize].iter().enumerate();
        let points = series.filter_map(|(place, times)| {
            Some((middle(place), crate::time::seconds(times.percentile(share)?)))
        });
        points.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    #[test]
    fn percentiles_are_within_a_step() {
        let mut times = Times::default();
        (1..=1_000).for_each(|n| times.add(n * 10 * MS, 1));
        for (share, exact) in [(0.5, 5 * SECOND), (0.99, 9_900 * MS), (1.0, 10 * SECOND)] {
            let found = times.percentile(share).unwrap();
            assert!(found >= exact && found <= exact * 105 / 100, "{share}: {found}");
        }
        assert_eq!(Times::default().percentile(0.5), None);
    }
}
