//! Course files, from nodes and from nginx.

use std::time::Duration;

use anyhow::Result;
use hedgeschool_tests::Node;

use super::ratio::Figure;
use super::turns::in_turns;
use super::{Comparison, show};
use crate::nginx::Nginx;
use crate::target::{LARGE, SMALL, Sample, Target};

/// Connections that ask for a file.
const CONNECTIONS: u32 = 16;

/// The share of the slowest one's rate at which latencies are taken, of all of them.
const PACE: f64 = 0.5;

/// What serves files.
enum Server {
    Node(Box<Node>),
    Nginx(Nginx),
}

impl Server {
    /// `GET` of a file.
    fn file(&self, sample: Sample) -> Result<Target> {
        match self {
            Self::Node(node) => Target::import_file(node, sample),
            Self::Nginx(nginx) => nginx.file(sample),
        }
    }

    fn processor_time(&self) -> Result<Duration> {
        match self {
            Self::Node(node) => node.processor_time(),
            Self::Nginx(nginx) => nginx.processor_time(),
        }
    }
}

/// What was taken of a server in a round.
struct Taken {
    /// Answers a second, as many as it gives.
    rate: f64,
    /// Seconds of processor time for each.
    cost: f64,
    /// Seconds within which 99 of 100 are there, at the rate that all can keep.
    p99: f64,
}

/// Compares today's build with the other and with nginx. That one answers as fast as the load
/// generator asks, so its rate is a lower bound; what a request costs it is not.
pub fn compare(comparison: &Comparison) -> Result<()> {
    let [today, then] =
        comparison.each(|build| Ok(Server::Node(Box::new(build.node()?.start()?))))?;
    let servers = [today, then, Server::Nginx(Nginx::start()?)];
    [SMALL, LARGE].into_iter().try_for_each(|sample| compare_sample(comparison, &servers, sample))
}

fn compare_sample(comparison: &Comparison, servers: &[Server; 3], sample: Sample) -> Result<()> {
    let meter = &comparison.meter;
    let [today, then, nginx] = servers;
    let mut sides = [side(today, sample)?, side(then, sample)?, side(nginx, sample)?];
    let mut pace = f64::INFINITY;
    for (_, file) in &sides {
        meter.warm_up(CONNECTIONS, file)?;
        pace = pace.min(meter.rate(CONNECTIONS, file)? * PACE);
    }
    let [today, then, nginx] = in_turns(comparison.rounds, &mut sides, |(server, file)| {
        let (rate, cost) = meter.rate_and_cost(CONNECTIONS, file, || server.processor_time())?;
        let p99 = meter.paced(CONNECTIONS, pace, file)?.percentile(0.99).as_secs_f64();
        Ok(Taken { rate, cost, p99 })
    })?;
    let what = format!("a {} file, {CONNECTIONS} connections", sample.size);
    for (what, other) in [(what.as_str(), &then), ("the same, *then* being nginx", &nginx)] {
        let sides = [today.as_slice(), other];
        show(what, Figure::Rate, sides, |taken| taken.rate);
        show("… processor time of a request", Figure::Time, sides, |taken| taken.cost);
        let at = format!("… P99 at {pace:.0}/s");
        show(&at, Figure::Time, sides, |taken| taken.p99);
    }
    Ok(())
}

fn side(server: &Server, sample: Sample) -> Result<(&Server, Target)> {
    Ok((server, server.file(sample)?))
}
