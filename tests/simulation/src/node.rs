//! A node of the fleet, and what is underway between nodes.

use hedgeschool_replication::{BatchOutcome, BatchRange, BatchSizer, Position, Push};

use crate::city::{City, activity_of};
use crate::journal::{Limits, Page, Relay, read_city};
use crate::link::Link;
use crate::meter::Group;
use crate::ranges::Ranges;
use crate::settings::Capacity;
use crate::sizes::Sizes;
use crate::time::Time;
use std::collections::VecDeque;

/// A node and its line to the one above.
#[derive(Clone, Debug)]
pub struct Node {
    pub upstream: usize,
    pub link: Link,
    /// Its learners; none: it stands between others.
    pub city: Option<City>,
    /// What came from below.
    pub relay: Relay,
    pub group: Group,
    /// What the node above notes of it.
    pub applied: Position,
    /// What the node above has of it.
    pub received: Ranges,
    pub round: Round,
    pub failing_since: Option<Time>,
    /// Batches that wait above for one sent before.
    pub parked: Vec<Id>,
    pub bytes_up: u64,
    pub bytes_down: u64,
}

/// A round of replication.
#[derive(Clone, Debug, Default)]
pub struct Round {
    pub push: Option<Push>,
    pub sizer: BatchSizer,
    pub deadline: Time,
    pub underway: usize,
    pub is_pulling: bool,
    /// Something failed: nothing new is begun.
    pub is_over: bool,
    pub is_pushed: bool,
    /// Why it ends early, with the pause that the node above asked for.
    pub halt: Option<Option<Time>>,
    /// Appointments of earlier moments are void.
    pub look: u32,
    pub poll: u32,
}

/// Names what is underway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    pub place: u32,
    pub generation: u32,
}

/// A request, until its answer is there.
#[derive(Clone, Debug)]
pub struct Request {
    pub node: usize,
    pub kind: Kind,
    pub sent: Time,
    /// When all of it has arrived.
    pub whole_at: Time,
    /// When the answer was given.
    pub answered_at: Time,
    pub outcome: Outcome,
    /// Its sender has given up.
    pub is_abandoned: bool,
    /// It has a place among those that are applied, or that wait.
    pub has_place: bool,
    /// Has waited as long as it may.
    pub has_waited: bool,
    /// It is inside, and its body on the way.
    pub is_arriving: bool,
    /// Waits with the body of its answer, and takes nobody's place.
    pub is_outside: bool,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// The pull at the beginning of a round.
    Greeting,
    /// The pull that waits for news.
    LongPoll(Time),
    Batch(Box<Batch>),
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub range: BatchRange,
    pub page: Page,
    pub bytes: u64,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Pulled(Position),
    Batch(BatchOutcome),
    Failed,
}

/// The part of a node that serves those below.
#[derive(Clone, Debug)]
pub struct Server {
    pub capacity: Capacity,
    /// When all that it has to work on is done.
    pub free: Time,
    pub inside: usize,
    pub queue: VecDeque<Id>,
    pub applying: usize,
    pub applying_bytes: u64,
    pub waiting: usize,
    pub queue_most: usize,
    pub worked: Time,
}

impl Server {
    pub fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            free: 0,
            inside: 0,
            queue: VecDeque::new(),
            applying: 0,
            applying_bytes: 0,
            waiting: 0,
            queue_most: 0,
            worked: 0,
        }
    }
}

impl Node {
    /// The journal's last sequence.
    pub fn head(&self, now: Time) -> u64 {
        self.city.as_ref().map_or(self.relay.head(), |city| city.head(now))
    }

    /// Through which activity its documents may have been written over, as far as the node above
    /// knows.
    pub fn settled_above(&self) -> u64 {
        let known = activity_of(self.received.gapless());
        self.city.as_ref().map_or(0, |city| city.settled(city.time_of(known)))
    }
}

/// Reads what a node is to send.
pub fn read(
    nodes: &[Node],
    node: usize,
    places: (u64, u64, u64),
    now: Time,
    limits: Limits,
    sizes: &Sizes,
) -> Page {
    let reader = &nodes[node];
    match &reader.city {
        Some(city) => read_city(city, node as u32, places, now, limits, sizes),
        None => {
            let settled = |origin: u32| nodes[origin as usize].settled_above();
            reader.relay.read(places, settled, limits, sizes)
        }
    }
}
