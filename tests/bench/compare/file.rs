//! A course file, from nodes and from nginx.

use std::time::Duration;

use anyhow::Result;
use hedgeschool_tests::Node;

use super::ratio::Figure;
use super::turns::in_turns;
use super::{Comparison, show};
use crate::nginx::Nginx;
use crate::target::Target;

/// Connections that ask for it.
const CONNECTIONS: u32 = 16;

/// What serves the file.
enum Server {
    Node(Box<Node>),
    Nginx(Nginx),
}

impl Server {
    /// `GET` of the file.
    fn file(&self) -> Result<Target> {
        match self {
            Self::Node(node) => Target::import_file(node),
            Self::Nginx(nginx) => nginx.file(),
        }
    }

    fn processor_time(&self) -> Result<Duration> {
        match self {
            Self::Node(node) => node.processor_time(),
            Self::Nginx(nginx) => nginx.processor_time(),
        }
    }
}

/// Compares today's build with the other and with nginx. That one answers as fast as the load
/// generator asks, so its rate is a lower bound; what a request costs it is not.
pub fn compare(comparison: &Comparison) -> Result<()> {
    let [today, then] =
        comparison.each(|build| Ok(Server::Node(Box::new(build.node()?.start()?))))?;
    let mut sides = [side(today)?, side(then)?, side(Server::Nginx(Nginx::start()?))?];
    for (_, file) in &sides {
        comparison.meter.warm_up(CONNECTIONS, file)?;
    }
    let [today, then, nginx] = in_turns(comparison.rounds, &mut sides, |(server, file)| {
        comparison.meter.rate_and_cost(CONNECTIONS, file, || server.processor_time())
    })?;
    let (rate, cost) = (|(rate, _): &(f64, f64)| *rate, |(_, cost): &(f64, f64)| *cost);
    let (what, of_request) = ("a 16 KB file, 16 connections", "… processor time of a request");
    show(what, Figure::Rate, [&today, &then], rate);
    show(of_request, Figure::Time, [&today, &then], cost);
    show("the same, *then* being nginx", Figure::Rate, [&today, &nginx], rate);
    show(of_request, Figure::Time, [&today, &nginx], cost);
    Ok(())
}

fn side(server: Server) -> Result<(Server, Target)> {
    let file = server.file()?;
    Ok((server, file))
}
