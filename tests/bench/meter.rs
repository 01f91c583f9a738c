//! Measurements, and the tables they are shown in.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::runtime::{self, Runtime};

use crate::load::{closed, paced};
use crate::report::{Times, median, milliseconds, row};
use crate::target::Target;

/// The share of the highest rate at which latencies are taken.
const PACE: f64 = 0.5;
/// The percentiles that are shown.
const SHARES: [f64; 3] = [0.5, 0.99, 0.999];

/// How everything is measured.
pub struct Meter {
    runtime: Runtime,
    run: Duration,
    runs: u32,
}

impl Meter {
    /// Measures with so many runs of this duration, for rates and again for latencies.
    pub fn new(run: Duration, runs: u32) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, run, runs })
    }

    /// What the figures are.
    pub fn describe(&self) -> String {
        let Self { run, runs, .. } = self;
        format!(
            "Medians of {runs} runs of {run:?}. Rate: every connection asks again as soon as it \
             is answered; in brackets the lowest and the highest run. P50, P99, P999: requests \
             fall due at half that rate, evenly, and are timed from then."
        )
    }

    /// Begins a table.
    pub fn table(&self, title: &str) {
        println!("### {title}\n");
        println!("| what | connections | rate | P50 | P99 | P999 |\n|---|--:|--:|--:|--:|--:|");
    }

    /// Measures a row and prints it. A request counts as `each` things of which the rate is shown.
    pub fn measure(&self, name: &str, connections: u32, each: u32, target: &Target) -> Result<()> {
        let rates = self.rates(connections, target).with_context(|| name.to_owned())?;
        let rate = median(&rates).unwrap_or_default();
        let times =
            self.times(connections, rate * PACE, target).with_context(|| name.to_owned())?;
        let shown = |rate: Option<&f64>| rate.map_or(0.0, |rate| (rate * f64::from(each)).round());
        let rate = shown(Some(&rate));
        let rate = format!("{rate}/s ({}–{})", shown(rates.first()), shown(rates.last()));
        let mut cells = vec![name.to_owned(), connections.to_string(), rate];
        cells.extend(times.map(milliseconds));
        println!("{}", row(&cells));
        Ok(())
    }

    /// The rate of one run.
    pub fn rate(&self, connections: u32, target: &Target) -> Result<f64> {
        self.runtime.block_on(closed(target, connections, self.run))
    }

    /// Sends the first requests, which start instances and warm caches.
    pub fn warm_up(&self, connections: u32, target: &Target) -> Result<()> {
        self.runtime.block_on(closed(target, connections, self.run / 5)).map(drop)
    }

    /// The rate of one run, and the seconds of processor time that a request costs a server which
    /// has been busy for as long as `busy` says.
    pub fn rate_and_cost(
        &self,
        connections: u32,
        target: &Target,
        busy: impl Fn() -> Result<Duration>,
    ) -> Result<(f64, f64)> {
        let before = busy()?;
        let rate = self.rate(connections, target)?;
        let worked = busy()?.saturating_sub(before).as_secs_f64();
        Ok((rate, worked / (rate * self.run.as_secs_f64())))
    }

    /// How long answers take in one run of so many requests a second.
    pub fn paced(&self, connections: u32, rate: f64, target: &Target) -> Result<Times> {
        self.runtime.block_on(paced(target, connections, rate, self.run))
    }

    /// The rate of each run, lowest first.
    fn rates(&self, connections: u32, target: &Target) -> Result<Vec<f64>> {
        self.warm_up(connections, target)?;
        let mut rates = Vec::new();
        for _ in 0..self.runs {
            rates.push(self.runtime.block_on(closed(target, connections, self.run))?);
        }
        rates.sort_unstable_by(f64::total_cmp);
        Ok(rates)
    }

    /// The medians of the runs' percentiles.
    fn times(&self, connections: u32, rate: f64, target: &Target) -> Result<[Duration; 3]> {
        let mut runs = SHARES.map(|_| Vec::new());
        for _ in 0..self.runs {
            let times = self.runtime.block_on(paced(target, connections, rate, self.run))?;
            for (run, share) in runs.iter_mut().zip(SHARES) {
                run.push(times.percentile(share));
            }
        }
        Ok(runs.map(|mut times| {
            times.sort_unstable();
            median(&times).unwrap_or_default()
        }))
    }
}
