//! What a link is told to do, and what it has carried.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How many requests are kept for repetition.
const REQUESTS_KEPT: usize = 16;
/// The largest request that is kept.
const REQUEST_BYTES_MAX: usize = 4 << 20;
/// A limited link carries pieces this many times a second.
const PIECES_PER_SECOND: u64 = 50;
const PIECE_BYTES_MIN: u64 = 64;
/// Data of at least this size is spoiled: it is no head of an answer.
const SPOILT_BYTES_MIN: usize = 4 << 10;

/// Which way data goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the upstream.
    Up,
    /// From the upstream.
    Down,
}

/// One of something for each way.
#[derive(Default)]
struct Each<T> {
    up: T,
    down: T,
}

impl<T> Each<T> {
    fn of(&mut self, way: Way) -> &mut T {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

/// Which data waits.
#[derive(Clone, Copy, Default)]
pub enum Hold {
    #[default]
    Nothing,
    /// Whatever goes up next.
    Next,
    /// What goes up on this connection.
    Connection(usize),
}

/// What may become of a piece of data.
pub struct Pass {
    /// How long it is underway.
    pub wait: Duration,
    /// How many bytes of it arrive.
    pub bytes: usize,
}

#[derive(Default)]
pub struct Knobs {
    /// Connections are refused.
    cut: bool,
    /// How many bytes may still go each way before the link is cut by itself.
    left: Each<Option<u64>>,
    /// How long each piece of data is held up.
    pub delay: Duration,
    /// Bytes a second, each way.
    limit: Option<u64>,
    /// When, each way, what was let pass has been carried.
    free: Each<Option<Instant>>,
    pub hold: Hold,
    /// Bytes that have come from upstream.
    pub carried: u64,
    /// The next data from upstream arrives with a bit turned.
    pub spoils: bool,
    open: HashMap<usize, Connection>,
    /// How many connections there have been.
    count: usize,
    /// Requests that arrived whole, the last one first.
    passed: VecDeque<Vec<u8>>,
}

struct Connection {
    /// Both ends, to be able to close them.
    near: TcpStream,
    far: TcpStream,
    /// What has gone up since something came down.
    request: Vec<u8>,
}

impl Knobs {
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    pub fn cut(&mut self) {
        self.cut = true;
        let held = match self.hold {
            Hold::Connection(number) => Some(number),
            _ => None,
        };
        for (number, connection) in self.open.drain() {
            let _ = connection.near.shutdown(Shutdown::Both);
            if held != Some(number) {
                let _ = connection.far.shutdown(Shutdown::Both);
            }
        }
    }

    pub fn restore(&mut self) {
        self.cut = false;
        self.left = Each::default();
    }

    pub fn cut_after(&mut self, way: Way, bytes: u64) {
        *self.left.of(way) = Some(bytes);
    }

    pub fn limit(&mut self, bytes_per_second: u64) {
        self.limit = Some(bytes_per_second).filter(|bytes| *bytes > 0);
        self.free = Each::default();
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.count
    }

    pub fn register(&mut self, near: &TcpStream, far: &TcpStream) -> io::Result<usize> {
        if self.cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let (near, far) = (near.try_clone()?, far.try_clone()?);
        self.count += 1;
        self.open.insert(self.count, Connection { near, far, request: Vec::new() });
        Ok(self.count)
    }

    pub fn forget(&mut self, connection: usize) {
        self.open.remove(&connection);
    }

    /// A request that arrived whole; 0 is the last one.
    pub fn passed(&self, which: usize) -> Option<Vec<u8>> {
        let which = which % self.passed.len().max(1);
        self.passed.get(which).cloned()
    }

    /// Whether data that goes up on this connection has to wait.
    pub fn holds(&mut self, connection: usize) -> bool {
        match self.hold {
            Hold::Nothing => false,
            Hold::Next => {
                self.hold = Hold::Connection(connection);
                true
            }
            Hold::Connection(held) => held == connection,
        }
    }

    /// How much to carry at a time, at most.
    pub fn piece(&self, most: usize) -> usize {
        let Some(limit) = self.limit else { return most };
        let piece = (limit / PIECES_PER_SECOND).max(PIECE_BYTES_MIN);
        usize::try_from(piece).unwrap_or(most).min(most)
    }

    /// Lets data pass, or some of it.
    pub fn pass(&mut self, connection: usize, way: Way, data: &[u8]) -> Pass {
        self.record(connection, way, data);
        let mut bytes = data.len();
        if let Some(left) = self.left.of(way) {
            bytes = bytes.min(usize::try_from(*left).unwrap_or(bytes));
            *left -= bytes as u64;
        }
        Pass { wait: self.delay + self.transfer(way, bytes), bytes }
    }

    /// Notes that data has arrived.
    pub fn has_carried(&mut self, way: Way, bytes: usize) {
        if way == Way::Down {
            self.carried += bytes as u64;
        }
    }

    /// Turns a bit of data, if that is to be done.
    pub fn spoil(&mut self, way: Way, data: &mut [u8]) {
        if !self.spoils || way == Way::Up || data.len() < SPOILT_BYTES_MIN {
            return;
        }
        self.spoils = false;
        if let Some(byte) = data.last_mut() {
            *byte ^= 1;
        }
    }

    /// How long it takes until these bytes, and those before them, are carried.
    fn transfer(&mut self, way: Way, bytes: usize) -> Duration {
        let Some(limit) = self.limit else { return Duration::ZERO };
        let now = Instant::now();
        let free = self.free.of(way);
        let start = free.map_or(now, |free| free.max(now));
        let end = start + Duration::from_secs_f64(bytes as f64 / limit as f64);
        *free = Some(end);
        end - now
    }

    /// A request is whole when its answer begins: nodes ask one thing at a time on a connection.
    fn record(&mut self, connection: usize, way: Way, data: &[u8]) {
        let Some(connection) = self.open.get_mut(&connection) else { return };
        if way == Way::Up {
            if connection.request.len() <= REQUEST_BYTES_MAX {
                connection.request.extend_from_slice(data);
            }
            return;
        }
        let request = mem::take(&mut connection.request);
        if !request.is_empty() && request.len() <= REQUEST_BYTES_MAX {
            self.passed.truncate(REQUESTS_KEPT - 1);
            self.passed.push_front(request);
        }
    }

    /// Data goes this way no more. If that is because the link had to be cut, it is cut.
    pub fn ended(&mut self, way: Way) {
        if *self.left.of(way) == Some(0) {
            self.cut();
        }
    }
}
