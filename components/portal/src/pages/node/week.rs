//! The node's last week, for those who have no Prometheus.

use hedgeschool_doctor::words::{bytes, number};
use hedgeschool_history::{Hours, Sample, hours};
use hedgeschool_web::{Problem, inside};
use serde_json::json;

use super::chart::{Chart, Midnight, find_midnights};

/// What answers are to take at most, in seconds.
const P99_MAX_S: f64 = 0.05;

/// What is drawn of it.
pub struct Week {
    /// What is known.
    pub charts: Vec<Chart>,
    /// Where days begin.
    pub midnights: Vec<Midnight>,
    /// Whether the host tells what it knows.
    pub has_host: bool,
}

impl Week {
    /// What `sync` has kept of it.
    ///
    /// # Errors
    /// What `sync` answers if it fails.
    pub async fn load() -> Result<Self, Problem> {
        let samples: Vec<Sample> = inside::ask("sync", "/history", &json!({})).await?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok(Self::of(&samples, now.unwrap_or_default().as_secs().cast_signed()))
    }

    fn of(samples: &[Sample], now: i64) -> Self {
        Self {
            charts: draw_charts(&hours(samples, now)),
            midnights: find_midnights(now),
            has_host: samples.iter().any(|sample| sample.host.is_some()),
        }
    }
}

fn draw_charts(hours: &Hours) -> Vec<Chart> {
    let requests = [("line", &hours.requests), ("line bad", &hours.failed)];
    let disk = [("line", &hours.stored), ("line soft", &hours.free)];
    let charts = [
        Chart::new("Requests, and those that failed", &requests, None, say_rate),
        Chart::new(
            "What 99 of 100 answers take",
            &[("line", &hours.p99_s)],
            Some(P99_MAX_S),
            say_duration,
        ),
        Chart::new("Changes recorded", &[("line", &hours.recorded)], None, say_rate),
        Chart::new("Waiting for the node above", &[("line", &hours.unsynced)], None, say_count),
        Chart::new("Disk: what is kept, and what is free", &disk, None, say_size),
    ];
    charts.into_iter().flatten().collect()
}

fn say_rate(per_second: f64) -> String {
    match per_second {
        rate if rate <= 0.0 => "0".to_owned(),
        rate if rate >= 9.95 => format!("{} a second", number(rate.round() as u64)),
        rate if rate >= 1.0 => format!("{rate:.1} a second"),
        rate if rate * 60.0 >= 1.0 => format!("{:.0} a minute", rate * 60.0),
        rate => format!("{:.1} an hour", rate * 3_600.0),
    }
}

fn say_duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.00995 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{:.1} ms", seconds * 1e3),
    }
}

fn say_count(count: f64) -> String {
    number(count.round() as u64)
}

fn say_size(size: f64) -> String {
    bytes(size.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_said_in_units_that_fit() {
        let rates = [0.0, 0.001, 0.5, 1.25, 1_234.0].map(say_rate);
        assert_eq!(rates, ["0", "3.6 an hour", "30 a minute", "1.2 a second", "1,234 a second"]);
        assert_eq!([0.0004, 0.05, 2.5].map(say_duration), ["0.4 ms", "50 ms", "2.5 s"]);
    }

    #[test]
    fn only_what_is_known_is_drawn() {
        let now = 1_796_020_200;
        let kept = [Sample { at: now - 60, stored: 5_000, ..Sample::default() }];
        let week = Week::of(&kept, now);
        let titles: Vec<_> = week.charts.iter().map(|chart| chart.title).collect();
        assert_eq!(titles, ["Disk: what is kept, and what is free"]);
        assert_eq!(week.charts[0].text, "5.0 KB last, 5.0 KB at most");
        assert!(!week.has_host && Week::of(&[], now).charts.is_empty());
    }
}
