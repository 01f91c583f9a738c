//! A node and its upstream, step by step, through everything that can go wrong between them.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use hedgeschool_replication::tokens::IssuedTokens;
use hedgeschool_replication::wire::Bookmark;
use hedgeschool_replication::{
    Admission, BatchOutcome, BatchRange, Checkpoint, NextStep, Position, Push, WINDOW,
};
use proptest::prelude::*;

/// A batch on its way.
#[derive(Clone, Debug)]
struct Batch {
    epoch: u32,
    range: BatchRange,
    /// Sequence and content.
    entries: Vec<(u64, u64)>,
}

/// Applies batches, and keeps its position with what it applied.
#[derive(Clone, Default)]
struct Upstream {
    held: BTreeSet<u64>,
    positions: BTreeMap<u32, Position>,
}

impl Upstream {
    fn position(&self, epoch: u32) -> Position {
        self.positions.get(&epoch).cloned().unwrap_or_default()
    }

    fn apply(&mut self, batch: &Batch) -> BatchOutcome {
        let position = self.position(batch.epoch);
        match batch.range.admission_at(&position) {
            Admission::Apply => {
                let next = batch.range.end_position().unwrap();
                self.held.extend(batch.entries.iter().map(|(_, content)| *content));
                self.positions.insert(batch.epoch, next.clone());
                BatchOutcome::Applied(next)
            }
            Admission::Duplicate => BatchOutcome::Applied(position),
            Admission::OutOfOrder | Admission::Conflict => BatchOutcome::Gap(position),
        }
    }
}

/// Records, and pushes what it recorded.
#[derive(Clone, Default)]
struct Node {
    epoch: u32,
    journal: BTreeMap<u64, u64>,
    /// The tokens of what was ever sent.
    issued: IssuedTokens,
    push: Option<Push>,
}

impl Node {
    fn head(&self) -> u64 {
        self.journal.last_key_value().map_or(0, |(last, _)| *last)
    }

    /// What is for the upstream.
    fn wanted_above(&self) -> impl Iterator<Item = u64> {
        self.journal.values().copied().filter(|content| content % 7 != 0)
    }

    fn is_own(&self, position: &Position) -> bool {
        self.issued.issued_all_of(&self.epoch.to_string(), position)
    }

    /// The next batch, of up to `size` entries.
    fn next_batch(&mut self, upstream: &Upstream, size: usize, numbers: &mut u32) -> Option<Batch> {
        *numbers += 1;
        if self.push.is_none() {
            let position = upstream.position(self.epoch);
            if !self.is_own(&position) {
                self.epoch = *numbers;
                return None;
            }
            self.push = Some(Push::begin(position, self.head()));
        }
        let head = self.head();
        let push = self.push.as_mut()?;
        let read = push.next_read(head)?;
        let entries = self.journal.range(read.from + 1..=read.until);
        // What came from the upstream is not for it.
        let entries = entries.filter(|(_, content)| **content % 7 != 0);
        let entries: Vec<_> = entries.take(size).map(|(at, content)| (*at, *content)).collect();
        let Some((sequence, _)) = entries.last().copied() else {
            push.record_scanned(&read, read.until);
            return None;
        };
        let (epoch, token) = (self.epoch.to_string(), numbers.to_string());
        self.issued.0.push(Bookmark { epoch, through: sequence, token: token.clone() });
        let range = push.record_sent(&read, Checkpoint { sequence, token }).unwrap();
        Some(Batch { epoch: self.epoch, range, entries })
    }

    fn take_answer(&mut self, batch: &Batch, answer: BatchOutcome) {
        let Some(push) = &self.push else { return };
        let is_foreign = push.unexpected_position(&answer).is_some_and(|at| !self.is_own(at));
        let Some(push) = &mut self.push else { return };
        let is_over = batch.epoch != self.epoch || is_foreign;
        if is_over || push.record_outcome(&batch.range, answer) != NextStep::Continue {
            self.push = None;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// The node records this many.
    Record(u8),
    Send(u8),
    /// The oldest batch on its way arrives, and its answer too.
    Deliver,
    /// It arrives, its answer is lost.
    LoseAnswer,
    LoseBatch,
    /// It arrives, and will arrive again.
    Duplicate,
    /// The two oldest change places.
    Reorder,
    Busy,
    /// Somebody keeps a copy of the node's disk, or of the upstream's.
    BackUpNode,
    BackUpUpstream,
    /// The node goes on from that copy.
    RestoreNode,
    RestoreUpstream,
    /// The process dies; what was on its way is gone.
    KillNode,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1u8..40).prop_map(Step::Record),
        12 => (1u8..60).prop_map(Step::Send),
        12 => Just(Step::Deliver),
        2 => Just(Step::LoseAnswer),
        2 => Just(Step::LoseBatch),
        2 => Just(Step::Duplicate),
        2 => Just(Step::Reorder),
        1 => Just(Step::Busy),
        1 => Just(Step::BackUpNode),
        1 => Just(Step::BackUpUpstream),
        1 => Just(Step::RestoreNode),
        1 => Just(Step::RestoreUpstream),
        1 => Just(Step::KillNode),
    ]
}

/// The whole of it.
#[derive(Default)]
struct World {
    node: Node,
    upstream: Upstream,
    wire: VecDeque<Batch>,
    node_copy: Option<Node>,
    upstream_copy: Upstream,
    /// Epochs and tokens.
    numbers: u32,
    /// Every record gets another content.
    recorded: u64,
}

impl World {
    fn run(&mut self, step: &Step) {
        match step {
            Step::Record(count) => self.record(u64::from(*count)),
            Step::Send(size) => self.send(usize::from(*size)),
            Step::Deliver => self.deliver_batch(),
            Step::LoseAnswer => self.lose_batch(true),
            Step::LoseBatch => self.lose_batch(false),
            Step::Duplicate => self.wire.extend(self.wire.front().cloned()),
            Step::Reorder if self.wire.len() > 1 => self.wire.swap(0, 1),
            Step::Reorder => {}
            Step::Busy => {
                if let Some(batch) = self.wire.pop_front() {
                    self.node.take_answer(&batch, BatchOutcome::Busy(Duration::from_secs(1)));
                }
            }
            Step::BackUpNode => self.node_copy = Some(self.node.clone()),
            Step::BackUpUpstream => self.upstream_copy = self.upstream.clone(),
            Step::RestoreNode => self.restore_node(),
            Step::RestoreUpstream => self.upstream = self.upstream_copy.clone(),
            Step::KillNode => self.kill_process(),
        }
    }

    fn record(&mut self, count: u64) {
        for _ in 0..count {
            self.recorded += 1;
            // Sequences grow with no promise of being gapless.
            let sequence = self.node.head() + 1 + self.recorded % 2;
            self.node.journal.insert(sequence, self.recorded);
        }
    }

    fn send(&mut self, size: usize) {
        self.wire.extend(self.node.next_batch(&self.upstream, size, &mut self.numbers));
    }

    fn deliver_batch(&mut self) {
        if let Some(batch) = self.wire.pop_front() {
            let answer = self.upstream.apply(&batch);
            self.node.take_answer(&batch, answer);
        }
    }

    fn lose_batch(&mut self, arrives: bool) {
        if let Some(batch) = self.wire.pop_front() {
            if arrives {
                self.upstream.apply(&batch);
            }
            self.node.take_answer(&batch, BatchOutcome::Failed("lost".to_owned()));
        }
    }

    fn kill_process(&mut self) {
        self.node.push = None;
        self.wire.clear();
    }

    fn restore_node(&mut self) {
        if let Some(copy) = self.node_copy.clone() {
            self.node = copy;
            self.kill_process();
        }
    }

    /// Nothing goes wrong any more.
    fn run_until_settled(&mut self) {
        let mut idle = 0;
        while idle < 5 {
            self.send(50);
            idle = if self.wire.is_empty() { idle + 1 } else { 0 };
            while !self.wire.is_empty() {
                self.deliver_batch();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 20_000,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    })]

    /// Some two million steps in all. Whatever happens: once it stops happening, the upstream has
    /// all that the node has.
    #[test]
    fn everything_arrives(steps in prop::collection::vec(step(), 1..200), backlog in 0u64..3_000) {
        let mut world = World::default();
        world.record(backlog);
        for step in &steps {
            world.run(step);
        }
        // A round ends sooner or later, and the next one asks the upstream again.
        world.kill_process();
        world.run_until_settled();
        let missing: Vec<_> =
            world.node.wanted_above().filter(|content| !world.upstream.held.contains(content)).collect();
        prop_assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn fresh_entries_pass_a_backlog() {
    let mut world = World::default();
    world.record(5_000);
    world.send(50);
    world.deliver_batch();
    let before = world.recorded;
    world.record(3);
    // The last hundred sequences from before travel with them.
    for _ in 0..6 {
        world.send(50);
        world.deliver_batch();
    }
    assert!(
        world.node.wanted_above().filter(|c| *c > before).all(|c| world.upstream.held.contains(&c))
    );
    assert!(world.upstream.held.len() < 400);
    world.run_until_settled();
    assert_eq!(world.upstream.held.len(), world.node.wanted_above().count());
    assert_eq!(world.upstream.position(world.node.epoch).fresh, None);
}

/// Two batches are underway when another round of the node brings the first of them: what this
/// round sent beyond it has no place any more, and from then on all is as if nothing had happened.
#[test]
fn another_round_costs_an_attempt_and_no_more() {
    let mut world = World::default();
    world.record(1_900);
    world.send(20);
    world.send(20);
    let mut other = world.node.clone();
    other.push = None;
    let batch = other.next_batch(&world.upstream, 20, &mut world.numbers).unwrap();
    world.upstream.apply(&batch);
    world.node.issued.0.extend(other.issued.0.last().cloned());
    let (all, mut sent) = (world.node.wanted_above().count(), 0);
    while world.upstream.held.len() < all {
        world.deliver_batch();
        while world.wire.len() < WINDOW {
            let before = world.wire.len();
            world.send(20);
            sent += world.wire.len() - before;
            if world.wire.len() == before {
                break;
            }
        }
    }
    assert!(sent <= all / 20 + 2, "{sent} batches for {all} entries");
}
