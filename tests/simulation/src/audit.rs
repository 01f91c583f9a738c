//! What has arrived at the centre, and whether that is everything, once.

use anyhow::{Result, ensure};

use crate::city::{City, is_there, statements};
use crate::journal::Piece;
use crate::meter::{Group, Lags, Phase};
use crate::node::Node;
use crate::ranges::Ranges;
use crate::time::Time;
use crate::world::World;

/// A city, as the centre has it.
#[derive(Clone, Debug, Default)]
struct Held {
    ranges: Ranges,
    /// Statements that were here already when they came.
    again: u64,
    /// Statements that were here at first, and that came.
    before: u64,
    new: u64,
    /// The last statement from before the outage ended, and when everything through it was here.
    wanted: u64,
    had_at: Option<Time>,
}

/// Everything that was recorded is to come, once.
pub struct Audit {
    held: Vec<Held>,
    pub lags: Lags,
    /// When the outage began, when it ended, and when all were done with what that had left.
    pub outage: (Time, Time),
    pub over_at: Option<Time>,
    left: usize,
}

impl Audit {
    /// What nodes have received is here already.
    pub fn new(nodes: &[Node], outage: (Time, Time), lags: Lags) -> Self {
        let held = nodes.iter().map(|node| match &node.city {
            None => Held::default(),
            Some(city) => Held {
                ranges: node.received.clone(),
                before: statements(0, node.received.gapless()),
                wanted: city.head(outage.1).saturating_sub(1),
                ..Held::default()
            },
        });
        let mut held: Vec<_> = held.collect();
        for held in &mut held {
            held.had_at = (held.ranges.gapless() >= held.wanted).then_some(outage.1);
        }
        let left = held.iter().filter(|held| held.had_at.is_none()).count();
        Self { held, lags, outage, over_at: (left == 0).then_some(outage.1), left }
    }

    /// Takes note of what the centre applied.
    fn add(&mut self, node: &Node, city: &City, piece: Piece, now: Time) {
        let Piece { origin, after, through } = piece;
        let held = &mut self.held[origin as usize];
        let (outage, over_at, lags) = (self.outage, self.over_at, &mut self.lags);
        let mut new = 0;
        held.ranges.add(after, through, |after, through| {
            new += statements(after, through);
            let phase = |made| match made {
                made if made < outage.0 => Phase::Calm,
                made if made < outage.1 => Phase::Outage,
                made if over_at.is_some_and(|over| made > over) => Phase::After,
                _ => Phase::Storm,
            };
            timed(city, after, through, |made, weight| {
                // What a line is down for is not what is asked.
                if node.link.was_up(made, now) {
                    lags.add(node.group, phase(made), made, now.saturating_sub(made), weight);
                }
            });
        });
        held.new += new;
        held.again += statements(after, through) - new;
        if held.had_at.is_none() && now >= outage.1 && held.ranges.gapless() >= held.wanted {
            held.had_at = Some(now);
            self.left -= 1;
            if self.left == 0 {
                self.over_at = Some(now);
            }
        }
    }

    /// How long after the outage everything from before its end was here, of each city.
    pub fn converged(&self, nodes: &[Node], group: Group) -> Vec<Option<Time>> {
        let pairs = self.held.iter().zip(nodes);
        let pairs = pairs.filter(|(_, node)| node.city.is_some() && node.group == group);
        pairs.map(|(held, _)| held.had_at.map(|at| at - self.outage.1)).collect()
    }

    /// Statements that came, and those that came again.
    pub fn counts(&self) -> (u64, u64) {
        self.held.iter().fold((0, 0), |(new, again), held| (new + held.new, again + held.again))
    }

    /// Fails unless everything that was recorded is here, each statement counted once.
    pub fn check(&self, nodes: &[Node], until: Time) -> Result<()> {
        for (number, (held, node)) in self.held.iter().zip(nodes).enumerate() {
            let Some(city) = &node.city else { continue };
            let (recorded, came) = (city.count(until), held.before + held.new);
            ensure!(
                came == recorded,
                "node {number} recorded {recorded} statements, and {came} came: of {} entries \
                 there is no gap before {}; {:?}, {:?}, failing since {:?}",
                city.head(until),
                held.ranges.gapless(),
                node.applied,
                node.round,
                node.failing_since
            );
            let settled = city.settled(until);
            let missing = held.ranges.missing(city.head(until));
            let missing = missing.into_iter().find(|sequence| is_there(*sequence, settled));
            ensure!(missing.is_none(), "entry {missing:?} of node {number} never came");
        }
        Ok(())
    }
}

/// When the statements of a part of a journal were made: of long parts some, for all.
fn timed(city: &City, after: u64, through: u64, mut add: impl FnMut(Time, u64)) {
    const SAMPLES: u64 = 8;
    let (first, count) = (after.div_ceil(2) + 1, statements(after, through));
    if count <= SAMPLES {
        (first..first + count).for_each(|activity| add(city.time_of(activity), 1));
        return;
    }
    for sample in 0..SAMPLES {
        let (from, to) = (count * sample / SAMPLES, count * (sample + 1) / SAMPLES);
        add(city.time_of(first + (from + to) / 2), to - from);
    }
}

impl World {
    /// What a batch brought is here, and on its way up if there is one.
    ///
    /// # Errors
    /// If the centre claims to have what never came.
    pub fn received(&mut self, sender: usize, pieces: &[Piece]) -> Result<()> {
        let upstream = self.nodes[sender].upstream;
        for piece in pieces {
            let origin = piece.origin as usize;
            if upstream > 0 {
                let mut new = Vec::new();
                self.nodes[origin].received.add(piece.after, piece.through, |after, through| {
                    new.push(Piece { after, through, ..*piece });
                });
                new.into_iter().for_each(|piece| self.nodes[upstream].relay.push(piece));
            } else if let Some(city) = &self.nodes[origin].city {
                self.audit.add(&self.nodes[origin], city, *piece, self.now);
            }
        }
        if upstream > 0 {
            self.wake(upstream);
            return Ok(());
        }
        // What the centre says it has, it has.
        if self.nodes[sender].city.is_some() {
            let (claims, has) =
                (&self.nodes[sender].applied, self.audit.held[sender].ranges.gapless());
            ensure!(
                claims.through.sequence <= has,
                "the centre claims {} of node {sender} and has {has}",
                claims.through.sequence
            );
        }
        Ok(())
    }
}
