//! What is simulated, and what comes of it.

use anyhow::Result;

use crate::city::BUSIEST;
use crate::link::Link;
use crate::meter::{Group, Phase, Series, Times};
use crate::options::Options;
use crate::plan::{Away, Plan};
use crate::settings::{Capacity, Rules};
use crate::sizes::Sizes;
use crate::time::{DAY, HOUR, MINUTE, Time, seconds};
use crate::world::World;

/// What came of a scenario.
pub struct Outcome {
    pub name: String,
    /// From the end of the outage until a node that was away had told everything; all of them,
    /// sorted.
    pub converged: Vec<Time>,
    /// Times from recording to the centre.
    pub lags: [[Times; 4]; 2],
    pub lag_points: [Vec<(Time, f64)>; 2],
    pub coarse: Series,
    pub fine: Series,
    pub back: Time,
    pub over: Time,
    /// Statements that came, and those that came twice.
    pub new: u64,
    pub again: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
    pub events: u64,
    pub nodes: u64,
}

impl Outcome {
    fn of(name: &str, world: World, back: Time) -> Self {
        let lags = &world.audit.lags;
        let groups = [Group::Steady, Group::Away];
        let phases = [Phase::Calm, Phase::Outage, Phase::Storm, Phase::After];
        let mut converged: Vec<_> =
            world.audit.converged(&world.nodes, Group::Away).into_iter().flatten().collect();
        converged.sort_unstable();
        let (new, again) = world.audit.counts();
        let cities = world.nodes.iter().filter(|node| node.city.is_some());
        Self {
            name: name.to_owned(),
            converged,
            lags: groups.map(|group| phases.map(|phase| lags.of(group, phase).clone())),
            lag_points: groups.map(|group| lags.points(group, 0.99)),
            back,
            over: world.audit.over_at.unwrap_or(back),
            new,
            again,
            bytes_up: cities.clone().map(|node| node.bytes_up).sum(),
            bytes_down: cities.clone().map(|node| node.bytes_down).sum(),
            nodes: cities.count() as u64,
            events: world.events,
            coarse: world.coarse,
            fine: world.fine,
        }
    }

    /// Lags of a group at some time.
    pub fn lags(&self, group: Group, phase: Phase) -> &Times {
        &self.lags[group as usize][phase as usize]
    }

    /// What the centre did in a span of time, by bins.
    pub fn storm(&self) -> impl Iterator<Item = &crate::meter::Bin> {
        let place = |at: Time| (at.saturating_sub(self.fine.from) / self.fine.width) as usize;
        let (from, to) = (place(self.back), place(self.over) + 1);
        self.fine.bins.iter().take(to).skip(from)
    }
}

/// All scenarios.
pub struct Scenarios {
    options: Options,
    sizes: Sizes,
}

impl Scenarios {
    /// Prepares all scenarios.
    ///
    /// # Errors
    /// If the messages cannot be weighed.
    pub fn new(options: Options) -> Result<Self> {
        Ok(Self { options, sizes: Sizes::of_the_protocol()? })
    }

    fn plan(&self, capacity: Capacity) -> Plan {
        let back = (self.options.normal_days + 7) * DAY + BUSIEST;
        Plan {
            seed: self.options.seed,
            nodes: self.options.nodes as usize,
            regions: 0,
            activities_per_day: self.options.activities as f64,
            from: back - HOUR,
            away: Away::Nodes(self.options.away as usize),
            outage: (back - 7 * DAY, back),
            after: 2 * HOUR,
            detail: 20 * MINUTE,
            capacity,
            rules: Rules::default(),
        }
    }

    fn run(&self, name: &str, plan: &Plan) -> Result<Outcome> {
        eprintln!("simulating: {name}");
        Ok(Outcome::of(name, plan.run(self.sizes)?, plan.outage.1))
    }

    /// Nobody does anything for half an hour.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn idle(&self, name: &str, rules: Rules, capacity: Capacity) -> Result<Outcome> {
        let plan = self.plan(capacity);
        let plan = Plan {
            activities_per_day: 0.001,
            from: plan.outage.1 - 30 * MINUTE,
            outage: (plan.outage.1 - MINUTE, plan.outage.1 - MINUTE),
            away: Away::Nodes(0),
            after: 30 * MINUTE,
            detail: 30 * MINUTE,
            rules,
            ..plan
        };
        self.run(name, &plan)
    }

    /// The whole time: normal days, a week without some nodes, their return.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn weeks(&self, capacity: Capacity) -> Result<Outcome> {
        let plan = self.plan(capacity);
        self.run("the whole time", &Plan { from: BUSIEST, ..plan })
    }

    /// The return only.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn storm(&self, name: &str, rules: Rules, capacity: Capacity) -> Result<Outcome> {
        self.run(name, &Plan { rules, ..self.plan(capacity) })
    }

    /// The return, with regions between.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn regions(&self, capacity: Capacity) -> Result<Outcome> {
        let regions = self.options.regions as usize;
        let name = format!("{regions} regions between");
        self.run(&name, &Plan { regions, ..self.plan(capacity) })
    }

    /// The centre cannot be reached for a while: everybody comes back.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn centre_away(
        &self,
        name: &str,
        away: Time,
        rules: Rules,
        capacity: Capacity,
    ) -> Result<Outcome> {
        let plan = self.plan(capacity);
        let outage = (plan.outage.1 - away, plan.outage.1);
        self.run(name, &Plan { away: Away::Centre, outage, rules, ..plan })
    }

    /// Bytes of messages.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Kinds of lines: bits a second, delay in milliseconds, how many nodes.
    pub fn lines(&self) -> Vec<(f64, f64, usize)> {
        let nodes = self.options.nodes as usize;
        let mut kinds: Vec<(f64, f64, usize)> = Vec::new();
        for rank in (0..nodes).rev() {
            let quality = Link::of(rank, nodes);
            match kinds.last_mut() {
                Some(last) if last.0 == quality.bits => last.2 += 1,
                _ => kinds.push((quality.bits, seconds(quality.delay) * 1e3, 1)),
            }
        }
        kinds
    }
}
