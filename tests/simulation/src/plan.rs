//! Scenarios.

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use hedgeschool_replication::{Checkpoint, Position};

use crate::audit::Audit;
use crate::city::City;
use crate::journal::Relay;
use crate::link::{Link, Quality};
use crate::meter::{Group, Lags, Series};
use crate::node::{Node, Round, Server};
use crate::ranges::Ranges;
use crate::settings::{Capacity, Rules};
use crate::sizes::Sizes;
use crate::time::{MINUTE, MS, SECOND, Time};
use crate::world::{Event, Parts, World};

/// Who is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// So many nodes, drawn at random.
    Nodes(usize),
    /// The centre: everybody.
    Centre,
}

/// A scenario.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub nodes: usize,
    /// Nodes between the others and the centre.
    pub regions: usize,
    pub activities_per_day: f64,
    pub from: Time,
    pub away: Away,
    pub outage: (Time, Time),
    /// How long after the outage to go on.
    pub after: Time,
    /// Rounds are simulated one by one from so long before the end of the outage.
    pub detail: Time,
    pub capacity: Capacity,
    pub rules: Rules,
}

/// Recording ends so long before the end, so that everything can arrive.
const QUIET: Time = 20 * MINUTE;
/// The line of a region.
const REGION: Quality = Quality { bits: 100e6, delay: 10 * MS };

impl Plan {
    /// Runs it, and fails if anything is lost.
    ///
    /// # Errors
    /// If something is lost, or not all nodes converge in time.
    pub fn run(&self, sizes: Sizes) -> Result<World> {
        let mut world = self.world(sizes);
        for node in 1..world.nodes.len() {
            // Nodes do not tick in step.
            let at = self.from + world.random.random_range(0..10 * SECOND);
            world.at(at, Event::Tick(node));
        }
        world.run(self.until())?;
        world.audit.check(&world.nodes, self.recorded_until())?;
        ensure!(world.audit.over_at.is_some(), "not all nodes have converged");
        Ok(world)
    }

    fn until(&self) -> Time {
        self.outage.1 + self.after
    }

    fn recorded_until(&self) -> Time {
        self.until() - QUIET
    }

    fn world(&self, sizes: Sizes) -> World {
        let mut random = StdRng::seed_from_u64(self.seed);
        let nodes = self.fleet(&mut random);
        let lags = Lags::new(self.outage.1.saturating_sub(10 * MINUTE), 10 * SECOND);
        let audit = Audit::new(&nodes, self.outage, lags);
        let servers = (0..=self.regions).map(|_| Server::new(self.capacity.clone()));
        World::new(Parts {
            from: self.from,
            rules: self.rules.clone(),
            sizes,
            random,
            servers: servers.collect(),
            nodes,
            detail_from: self.outage.1.saturating_sub(self.detail).max(self.from),
            recorded_until: self.recorded_until(),
            audit,
            coarse: Series::new(self.from, 15 * MINUTE),
            fine: Series::new(self.outage.1.saturating_sub(10 * MINUTE), 5 * SECOND),
        })
    }

    /// The centre, the regions, the cities by size.
    fn fleet(&self, random: &mut StdRng) -> Vec<Node> {
        let mut away: Vec<_> = (0..self.nodes).collect();
        away.shuffle(random);
        let away_count = if let Away::Nodes(count) = self.away { count } else { self.nodes };
        away.truncate(away_count);
        let weight = |rank: usize| (rank as f64 + 10.0).powf(-0.9);
        let total: f64 = (0..self.nodes).map(weight).sum();
        let mut nodes: Vec<_> = (0..=self.regions).map(|_| self.node(0, REGION)).collect();
        for rank in 0..self.nodes {
            let city = City::new(self.activities_per_day * weight(rank) / total, random.random());
            let upstream = if self.regions > 0 { 1 + rank % self.regions } else { 0 };
            let mut node = self.node(upstream, Link::of(rank, self.nodes));
            node.link = node.link.with_cuts(self.from, self.recorded_until(), random);
            if away.contains(&rank) {
                node.group = Group::Away;
            }
            // One that is cut off already has told nothing since.
            let is_cut = self.away == Away::Centre || node.group == Group::Away;
            let told = if is_cut { self.from.min(self.outage.0) } else { self.from };
            let held = city.head(told);
            node.applied = Position {
                through: Checkpoint { sequence: held, token: String::new() },
                fresh: None,
            };
            node.received = Ranges::through(held);
            node.city = Some(city);
            nodes.push(node);
        }
        for node in &mut nodes {
            let is_cut = match self.away {
                Away::Nodes(_) => node.group == Group::Away,
                Away::Centre => node.upstream == 0,
            };
            if is_cut {
                let link = std::mem::replace(&mut node.link, Link::new(REGION));
                node.link = link.with_outage(self.outage.0, self.outage.1);
            }
        }
        nodes
    }

    fn node(&self, upstream: usize, quality: Quality) -> Node {
        Node {
            upstream,
            link: Link::new(quality),
            city: None,
            relay: Relay::default(),
            group: Group::Steady,
            applied: Position::default(),
            received: Ranges::default(),
            round: Round::default(),
            failing_since: None,
            parked: Vec::new(),
            bytes_up: 0,
            bytes_down: 0,
        }
    }
}
