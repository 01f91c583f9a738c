//! Fetching over links of all kinds.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::time::Duration;

use hedgeschool_replication::wire::{PIECES_BYTES_MAX, PIECES_MAX, Piece};
use hedgeschool_replication::{FetchPlan, FetchRequest, REQUESTS_MAX};
use proptest::prelude::*;

/// How long a round lasts.
const ROUND: Duration = Duration::from_secs(10);
/// The steps in which time passes.
const STEP: Duration = Duration::from_millis(5);
/// Blobs that one look shows.
const SHOWN_MAX: usize = 1_024;

/// A request on its way.
struct Underway {
    request: FetchRequest,
    /// When the first byte comes.
    from: Duration,
    came: u64,
}

/// A node that fetches, and what lies between it and its upstream.
struct Node {
    /// What is wanted: the bytes each blob has, and how many of them are here.
    blobs: BTreeMap<String, (u64, u64)>,
    /// Bytes a second, all requests together.
    rate: f64,
    round_trip: Duration,
    now: Duration,
    underway: Vec<Underway>,
    fetched: u64,
    /// Bytes that were underway when rounds ended: they come again.
    wasted: u64,
}

impl Node {
    fn new(sizes: &[u64], rate: f64, round_trip: Duration) -> Self {
        let blob = |(number, size): (usize, &u64)| (format!("{number:06}"), (*size, 0));
        let blobs = sizes.iter().enumerate().map(blob).collect();
        Self {
            blobs,
            rate,
            round_trip,
            now: Duration::ZERO,
            underway: vec![],
            fetched: 0,
            wasted: 0,
        }
    }

    /// As the store answers: what is wanted, up to so many bytes past the first blob.
    fn wanted_pieces(&self, size: u64) -> Vec<Piece> {
        let mut total = 0;
        let missing = self.blobs.iter().filter(|(_, (size, have))| have < size);
        let piece = |(hash, (size, have)): (&String, &(u64, u64))| Piece {
            hash: hash.clone(),
            start: *have,
            length: size - have,
        };
        let fits = |piece: &Piece| {
            total += piece.length;
            total <= size || total == piece.length
        };
        missing.take(SHOWN_MAX).map(piece).take_while(fits).collect()
    }

    fn send_requests(&mut self, fetch: &mut FetchPlan, end: Duration) {
        while let Some(bytes) = fetch.next_request_bytes(end.saturating_sub(self.now)) {
            let wanted = self.wanted_pieces(fetch.search_bytes(bytes));
            let Some(request) = fetch.next_request(wanted, bytes, self.now) else { return };
            let length: u64 = request.pieces.iter().map(|piece| piece.length).sum();
            assert!(request.pieces.len() <= PIECES_MAX && length <= PIECES_BYTES_MAX);
            assert_eq!(length, request.length);
            let others = self.underway.iter().flat_map(|other| &other.request.pieces);
            let is_asked = |piece: &Piece| others.clone().any(|other| other.hash == piece.hash);
            assert!(!request.pieces.iter().any(is_asked));
            let from = self.now + self.round_trip;
            self.underway.push(Underway { request, from, came: 0 });
            assert!(self.underway.len() <= REQUESTS_MAX);
        }
    }

    /// What the link brings in one step.
    fn pass_step(&mut self, fetch: &mut FetchPlan) {
        self.now += STEP;
        let mut budget = (self.rate * STEP.as_secs_f64()) as u64;
        for one in self.underway.iter_mut().filter(|one| one.from <= self.now) {
            let bytes = budget.min(one.request.length - one.came);
            one.came += bytes;
            budget -= bytes;
            self.fetched += bytes;
            fetch.record_bytes(bytes);
        }
        let (ended, underway) = std::mem::take(&mut self.underway)
            .into_iter()
            .partition(|one| one.from <= self.now && one.came == one.request.length);
        self.underway = underway;
        ended.iter().for_each(|one: &Underway| self.end_request(fetch, one));
    }

    fn end_request(&mut self, fetch: &mut FetchPlan, one: &Underway) {
        let mut came = one.came;
        for piece in &one.request.pieces {
            let bytes = came.min(piece.length);
            self.blobs.get_mut(&piece.hash).unwrap().1 += bytes;
            came -= bytes;
        }
        fetch.record_end(&one.request, one.came, self.now);
    }

    /// A round, or what there is of it before the link is cut. Whatever came is kept.
    fn run_round(&mut self, fetch: &mut FetchPlan, until: Duration) {
        let end = self.now + ROUND;
        while self.now < end.min(until) {
            self.send_requests(fetch, end);
            if self.underway.is_empty() && self.wanted_pieces(1).is_empty() {
                return;
            }
            self.pass_step(fetch);
        }
        for one in std::mem::take(&mut self.underway) {
            // What the link carries meanwhile.
            let carried = (self.rate * self.round_trip.as_secs_f64() / 2.0) as u64;
            self.wasted += carried.min(one.request.length - one.came);
            self.end_request(fetch, &one);
        }
    }

    /// Rounds until all is here; answers how long that took.
    fn run(&mut self) -> Duration {
        let mut rate = None;
        while !self.wanted_pieces(1).is_empty() {
            let mut fetch = FetchPlan::new(rate);
            self.run_round(&mut fetch, Duration::MAX);
            rate = fetch.bytes_per_second();
        }
        self.now
    }
}

#[test]
fn any_link_is_used_well() {
    for (rate, round_trip_ms) in
        [(10e3, 50), (100e3, 600), (1e6, 200), (12.5e6, 200), (50e6, 100), (100e6, 1)]
    {
        let sizes = vec![256 << 10; (rate * 60.0 / f64::from(256 << 10)).ceil() as usize];
        let mut node = Node::new(&sizes, rate, Duration::from_millis(round_trip_ms));
        let took = node.run().as_secs_f64();
        let least = sizes.iter().sum::<u64>() as f64 / rate;
        assert!(took < least * 1.25, "{rate} bytes/s, {round_trip_ms} ms: {took} s of {least}");
        assert!(node.wasted as f64 <= least * rate * 0.05, "{rate}: {} wasted", node.wasted);
    }
}

#[test]
fn small_files_are_no_slower_than_their_number() {
    let sizes = vec![2_000; 20_000];
    let mut node = Node::new(&sizes, 12.5e6, Duration::from_millis(100));
    let took = node.run();
    // 79 requests of 256, four at a time.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn what_is_excluded_is_not_asked_for_again() {
    let mut fetch = FetchPlan::new(Some(1e6));
    let wanted = || ["bad", "good"].map(|hash| Piece { hash: hash.into(), start: 0, length: 9 });
    let first = fetch.next_request(wanted().to_vec(), 9, Duration::ZERO).unwrap();
    fetch.record_end(&first, 0, Duration::ZERO);
    first.pieces.iter().for_each(|piece| fetch.exclude_blob(piece));
    assert_eq!(fetch.search_bytes(2 << 20), (2 << 20) + 9);
    let second = fetch.next_request(wanted().to_vec(), 100, Duration::ZERO).unwrap();
    assert_eq!(second.pieces, wanted()[1..]);
}

#[test]
fn an_upstream_that_is_busy_gets_fewer_requests_but_one() {
    let mut fetch = FetchPlan::new(Some(1e9));
    for requests in [4, 3, 2, 1, 1] {
        let mut underway = Vec::new();
        while let Some(bytes) = fetch.next_request_bytes(ROUND) {
            let hash = underway.len().to_string();
            let wanted = vec![Piece { hash, start: 0, length: 9 }];
            underway.push(fetch.next_request(wanted, bytes, Duration::ZERO).unwrap());
        }
        assert_eq!(underway.len(), requests);
        underway.iter().for_each(|request| fetch.record_end(request, 0, Duration::ZERO));
        fetch.slow_down();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn everything_arrives_once_whatever_is_cut(
        sizes in prop::collection::vec(1u64..2_000_000, 0..60),
        rate in 20_000f64..5e7,
        round_trip_ms in 0u64..800,
        cuts in prop::collection::vec(100u64..8_000, 0..20),
    ) {
        let mut node = Node::new(&sizes, rate, Duration::from_millis(round_trip_ms));
        for cut in cuts {
            let until = node.now + Duration::from_millis(cut);
            node.run_round(&mut FetchPlan::new(None), until);
        }
        node.run();
        prop_assert_eq!(node.fetched, sizes.iter().sum::<u64>());
    }
}
