//! Figures of the week, an hour a point.

use crate::{PERIOD_S, Sample};

/// Points of a series: hours of a week.
pub const HOURS: usize = 7 * 24;
const HOUR_S: i64 = 3_600;
/// Two samples further apart than this have a time between them in which nobody looked.
const APART_S: i64 = 3 * PERIOD_S;

/// One figure of the week, an hour a point. None: nothing is known of that hour.
pub type Series = Vec<Option<f64>>;

/// The samples of each hour of the week that ends at `now`, with the sample before each, if that is
/// near enough to tell what happened in between.
fn by_hour(samples: &[Sample], now: i64) -> Vec<Vec<(Option<&Sample>, &Sample)>> {
    let mut hours = vec![Vec::new(); HOURS];
    let last = now.div_euclid(HOUR_S);
    let mut before: Option<&Sample> = None;
    for sample in samples {
        let near = before.filter(|before| sample.at - before.at <= APART_S);
        before = Some(sample);
        let ago = usize::try_from(last - sample.at.div_euclid(HOUR_S)).ok();
        let place = ago.and_then(|ago| (HOURS - 1).checked_sub(ago));
        if let Some(hour) = place.and_then(|place| hours.get_mut(place)) {
            hour.push((near, sample));
        }
    }
    hours
}

/// The hours of a week that ends at `now`, from its samples in the order of their times.
#[must_use]
pub fn hours(samples: &[Sample], now: i64) -> Hours {
    let mut hours = Hours::default();
    for hour in by_hour(samples, now) {
        let all = || hour.iter().map(|(_, sample)| *sample);
        let requests = || all().filter_map(|it| it.host.as_ref()?.requests.as_ref());
        let seconds: u64 = requests().map(|it| it.seconds).sum();
        let per_second = |count: u64| (seconds > 0).then(|| count as f64 / seconds as f64);
        hours.requests.push(per_second(requests().map(|it| it.answered).sum()));
        hours.failed.push(per_second(requests().map(|it| it.failed).sum()));
        hours.p99_s.push(highest_of(requests().filter_map(|it| it.p99_s)));
        hours.recorded.push(recorded_rate(&hour));
        hours.unsynced.push(highest_of(all().filter_map(|it| Some(it.unsynced? as f64))));
        hours.stored.push(all().next_back().map(|it| it.stored as f64));
        let free = all().filter_map(|it| Some(it.host.as_ref()?.disk?.free as f64));
        hours.free.push(free.reduce(f64::min));
    }
    hours
}

fn highest_of(values: impl Iterator<Item = f64>) -> Option<f64> {
    values.reduce(f64::max)
}

/// Changes a second: between samples, but for a journal that begins anew.
fn recorded_rate(hour: &[(Option<&Sample>, &Sample)]) -> Option<f64> {
    let pairs = hour.iter().filter_map(|(before, sample)| Some(((*before)?, *sample)));
    let (changes, seconds) = pairs.fold((0, 0), |(changes, seconds), (before, sample)| {
        let more = sample.recorded.saturating_sub(before.recorded);
        (changes + more, seconds + (sample.at - before.at))
    });
    (seconds > 0).then(|| changes as f64 / seconds as f64)
}

/// The figures of a week.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hours {
    /// Requests answered, a second.
    pub requests: Series,
    /// Requests failed, a second.
    pub failed: Series,
    /// The highest P99 of the hour, in seconds.
    pub p99_s: Series,
    /// Changes recorded, a second.
    pub recorded: Series,
    /// The most changes that the node above had not applied.
    pub unsynced: Series,
    /// Bytes that the stores took at last.
    pub stored: Series,
    /// The fewest bytes that were free.
    pub free: Series,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Disk, Host, Requests};

    fn sample(at: i64, recorded: u64, answered: u64) -> Sample {
        let requests = Requests { seconds: 600, answered, failed: 6, p99_s: Some(0.02) };
        let disk = Some(Disk { free: 100 - recorded, size: 100 });
        let host = Some(Host { requests: Some(requests), disk });
        Sample { at, host, recorded, unsynced: Some(recorded), stored: recorded }
    }

    const NOW: i64 = 1_000 * HOUR_S + 1_500;

    #[test]
    fn an_hour_is_the_mean_of_rates_and_the_worst_of_the_rest() {
        let samples = [sample(NOW - 1_300, 4, 600), sample(NOW - 700, 16, 1_200)];
        let hours = hours(&samples, NOW);
        let last = |series: &Series| series.last().copied().flatten();
        assert_eq!(last(&hours.requests), Some(1.5));
        assert_eq!(last(&hours.failed), Some(0.01));
        assert_eq!(last(&hours.p99_s), Some(0.02));
        assert_eq!(last(&hours.recorded), Some(0.02));
        assert_eq!(last(&hours.unsynced), Some(16.0));
        assert_eq!(last(&hours.stored), Some(16.0));
        assert_eq!(last(&hours.free), Some(84.0));
        assert!(hours.requests[..HOURS - 1].iter().all(Option::is_none));
    }

    #[test]
    fn what_was_recorded_while_nobody_looked_is_no_rate() {
        let samples = [sample(NOW - 7_200, 4, 1), sample(NOW - 100, 90, 1)];
        assert_eq!(hours(&samples, NOW).recorded[HOURS - 1], None);
    }

    #[test]
    fn a_journal_that_begins_anew_takes_nothing_away() {
        let samples = [sample(NOW - 700, 90, 1), sample(NOW - 100, 2, 1)];
        assert_eq!(hours(&samples, NOW).recorded[HOURS - 1], Some(0.0));
    }

    #[test]
    fn what_is_older_than_a_week_or_of_the_future_is_left_out() {
        let samples = [sample(NOW - 8 * 86_400, 1, 1), sample(NOW + 7_200, 2, 1)];
        assert!(hours(&samples, NOW).stored.iter().all(Option::is_none));
        assert_eq!(hours(&samples, NOW).stored.len(), HOURS);
    }
}
