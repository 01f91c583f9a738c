//! Which of the blobs that are wanted to ask for next, and how much at a time.
//!
//! Several requests are underway at a time, so that a long link has always something to carry.
//! Together they are about as large as what the link carries in [`AHEAD`]: little is underway when
//! a round ends, and entries that share the link do not queue behind a megabyte each.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::wire::{PIECE_BYTES_MAX, PIECES_BYTES_MAX, PIECES_MAX, Piece};

/// Most requests for blobs underway at a time.
pub const REQUESTS_MAX: usize = 4;
/// For how long the link has something to carry when all requests are underway.
const AHEAD: Duration = Duration::from_secs(2);
/// The first request, in bytes, before anything is known of the link.
const FIRST_BYTES: u64 = 64 << 10;
/// The smallest request: a smaller one is not worth its head. A link that takes longer than
/// [`AHEAD`] for it has one request underway.
const REQUEST_BYTES_MIN: u64 = 16 << 10;
/// How many requests tell how fast the link is: the fastest of them does, since others have waited.
const SAMPLES: usize = 2 * REQUESTS_MAX;
/// Blobs that are left out for the rest of a round; with more, nothing is asked for any more.
const EXCLUDED_MAX: usize = 1_024;

/// The requests for blobs of one round. All times are since the same moment.
#[derive(Debug, Default)]
pub struct FetchPlan {
    /// How many bytes a second came while each of the last requests was underway.
    samples: VecDeque<f64>,
    /// All bytes that have come.
    came: u64,
    /// The blobs that are asked for, with all that was wanted of each.
    in_flight: BTreeMap<String, u64>,
    /// Blobs that are not asked for again, likewise.
    excluded: BTreeMap<String, u64>,
    /// Bytes that are asked for and have not come.
    coming: u64,
    requests: usize,
    /// How many requests fewer than [`REQUESTS_MAX`] may be underway: the upstream has asked for
    /// that.
    fewer: usize,
}

/// A request.
#[derive(Debug)]
pub struct FetchRequest {
    /// What to ask for.
    pub pieces: Vec<Piece>,
    /// Bytes of these.
    pub length: u64,
    /// When it was made, and how many bytes had come by then.
    began: (Duration, u64),
}

impl FetchPlan {
    /// Begins, with what a round before this one knew of the link.
    pub fn new(rate: Option<f64>) -> Self {
        Self { samples: rate.into_iter().collect(), ..Self::default() }
    }

    /// What is known of the link, in bytes a second.
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.samples.iter().copied().reduce(f64::max)
    }

    /// Most bytes of the next request, if there should be one, when the round goes on for so long.
    pub fn next_request_bytes(&self, left: Duration) -> Option<u64> {
        let is_full = self.requests + self.fewer >= REQUESTS_MAX;
        if is_full || left.is_zero() || self.excluded.len() >= EXCLUDED_MAX {
            return None;
        }
        let is_idle = self.requests == 0;
        let Some(rate) = self.bytes_per_second() else { return is_idle.then_some(FIRST_BYTES) };
        let ahead = (rate * left.min(AHEAD).as_secs_f64()) as u64;
        let share = (ahead / REQUESTS_MAX as u64).clamp(REQUEST_BYTES_MIN, PIECES_BYTES_MAX);
        let free = share.min(ahead.saturating_sub(self.coming));
        match free {
            REQUEST_BYTES_MIN.. => Some(free),
            // However slow: what comes of it until the round ends need not come again.
            _ => (is_idle && left > AHEAD / 2).then_some(REQUEST_BYTES_MIN),
        }
    }

    /// How many bytes of what is wanted one has to read through to find so many that can be asked
    /// for.
    pub fn search_bytes(&self, bytes: u64) -> u64 {
        // The next blob may be larger: then a part of it is asked for.
        bytes.max(PIECE_BYTES_MAX)
            + self.in_flight.values().chain(self.excluded.values()).sum::<u64>()
    }

    /// The next request, out of what is wanted. None: there is nothing that could be asked for.
    pub fn next_request(
        &mut self,
        wanted: Vec<Piece>,
        bytes: u64,
        now: Duration,
    ) -> Option<FetchRequest> {
        let mut left = bytes;
        let mut pieces = Vec::new();
        for mut piece in wanted {
            if pieces.len() == PIECES_MAX || left == 0 {
                break;
            }
            if self.in_flight.contains_key(&piece.hash) || self.excluded.contains_key(&piece.hash) {
                continue;
            }
            self.in_flight.insert(piece.hash.clone(), piece.length);
            piece.length = piece.length.min(left).min(PIECE_BYTES_MAX);
            left -= piece.length;
            pieces.push(piece);
        }
        if pieces.is_empty() {
            return None;
        }
        self.requests += 1;
        self.coming += bytes - left;
        Some(FetchRequest { pieces, length: bytes - left, began: (now, self.came) })
    }

    /// Notes that bytes have come.
    pub fn record_bytes(&mut self, bytes: u64) {
        self.coming = self.coming.saturating_sub(bytes);
        self.came += bytes;
    }

    /// Notes that a request has ended, and how many bytes of it have come.
    pub fn record_end(&mut self, request: &FetchRequest, came: u64, now: Duration) {
        for piece in &request.pieces {
            self.in_flight.remove(&piece.hash);
        }
        self.coming = self.coming.saturating_sub(request.length.saturating_sub(came));
        self.requests = self.requests.saturating_sub(1);
        let (since, before) = request.began;
        // On the same machine a request may take no time that the clock sees.
        let took = now.saturating_sub(since).max(Duration::from_millis(1));
        if self.came > before {
            self.samples.push_back((self.came - before) as f64 / took.as_secs_f64());
            if self.samples.len() > SAMPLES {
                self.samples.pop_front();
            }
        }
    }

    /// Leaves a blob out from now on: it was not what its hash says, or is not there.
    pub fn exclude_blob(&mut self, piece: &Piece) {
        self.excluded.insert(piece.hash.clone(), piece.length);
    }

    /// Has fewer requests underway, but one: the upstream is busy.
    pub fn slow_down(&mut self) {
        self.fewer = (self.fewer + 1).min(REQUESTS_MAX - 1);
    }
}
