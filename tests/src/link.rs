use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

mod knobs;

use knobs::{Hold, Knobs, Pass, Way};

/// The most that is carried at a time.
const PIECE_BYTES: usize = 16 << 10;
/// How often held data looks whether it may go on.
const LOOK: Duration = Duration::from_millis(2);

/// The network between a node and its upstream: a TCP proxy that can be cut, also in the middle of
/// a body, slowed down, and made to deliver late, out of order and twice.
pub struct Link {
    port: u16,
    state: Arc<State>,
}

struct State {
    /// The port behind the link.
    target: u16,
    /// Set when the link is dropped, so that its threads end.
    over: AtomicBool,
    knobs: Mutex<Knobs>,
}

impl Link {
    /// A link to a port of this machine, up.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = State { target, over: AtomicBool::new(false), knobs: Mutex::default() };
        let state = Arc::new(state);
        let accepting = Arc::clone(&state);
        thread::spawn(move || accepting.accept(&listener));
        Ok(Self { port, state })
    }

    /// Where the near node finds the far one.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Closes every connection and refuses new ones. What is held ([`Link::hold`]) is already
    /// beyond the cut.
    pub fn cut(&self) {
        self.state.knobs().cut();
    }

    /// Cuts the link once this many more bytes have gone upstream, wherever that is in a request.
    pub fn cut_after(&self, bytes: u64) {
        self.state.knobs().cut_after(Way::Up, bytes);
    }

    /// Cuts the link once this many more bytes have come from upstream, wherever that is in an
    /// answer.
    pub fn cut_answers_after(&self, bytes: u64) {
        self.state.knobs().cut_after(Way::Down, bytes);
    }

    /// Whether the link is cut, by [`Link::cut`] or by itself.
    pub fn is_cut(&self) -> bool {
        self.state.knobs().is_cut()
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.state.knobs().restore();
    }

    /// Holds up each piece of data by this long.
    pub fn delay(&self, delay: Duration) {
        self.state.knobs().delay = delay;
    }

    /// Carries no more than this many bytes a second each way, all connections together. 0: as
    /// fast as it goes.
    pub fn limit(&self, bytes_per_second: u64) {
        self.state.knobs().limit(bytes_per_second);
    }

    /// Holds up the next request, while those on other connections pass it. Its sender may be
    /// killed or give up meanwhile: once released, it arrives all the same.
    pub fn hold(&self) {
        self.state.knobs().hold = Hold::Next;
    }

    /// Lets go of what is held.
    pub fn release(&self) {
        self.state.knobs().hold = Hold::Nothing;
    }

    /// Delivers one of the last requests once more, and drops the answer. Which one: 0 is the
    /// last. False: there has not been one.
    pub fn repeat(&self, which: usize) -> bool {
        let Some(request) = self.state.knobs().passed(which) else { return false };
        let target = self.state.target;
        // What becomes of it is the far node's business.
        thread::spawn(move || deliver(target, &request));
        true
    }

    /// How many bytes have come from upstream so far.
    pub fn carried(&self) -> u64 {
        self.state.knobs().carried
    }

    /// Turns a bit of what comes from upstream next, if it is of some size.
    pub fn spoil(&self) {
        self.state.knobs().spoils = true;
    }

    /// How many connections have been made so far.
    pub fn connections(&self) -> usize {
        self.state.knobs().connections()
    }
}

/// Sends a request on a connection of its own.
fn deliver(target: u16, request: &[u8]) -> io::Result<()> {
    let mut far = TcpStream::connect(("127.0.0.1", target))?;
    far.set_read_timeout(Some(Duration::from_secs(30)))?;
    far.write_all(request)?;
    far.shutdown(Shutdown::Write)?;
    io::copy(&mut far, &mut io::sink()).map(drop)
}

impl Drop for Link {
    fn drop(&mut self) {
        self.release();
        self.cut();
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl State {
    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        self.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for near in listener.incoming().flatten() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            if self.knobs().is_cut() {
                continue;
            }
            let state = Arc::clone(&self);
            // A connection that fails is what this is for: the nodes have to notice.
            thread::spawn(move || state.connect(near));
        }
    }

    /// Carries one connection until it closes.
    fn connect(&self, near: TcpStream) -> io::Result<()> {
        let far = TcpStream::connect(("127.0.0.1", self.target))?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let number = self.knobs().register(&near, &far)?;
        thread::scope(|scope| {
            scope.spawn(|| self.carry(&far, &near, number, Way::Down));
            self.carry(&near, &far, number, Way::Up);
        });
        self.knobs().forget(number);
        Ok(())
    }

    /// Carries data one way until its end, or the link's.
    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream, connection: usize, way: Way) {
        let mut buffer = [0; PIECE_BYTES];
        loop {
            let most = self.knobs().piece(PIECE_BYTES);
            let Some(space) = buffer.get_mut(..most) else { break };
            let Ok(read @ 1..) = from.read(space) else { break };
            while way == Way::Up && self.knobs().holds(connection) {
                thread::sleep(LOOK);
            }
            let data = buffer.get_mut(..read).unwrap_or_default();
            self.knobs().spoil(way, data);
            let Pass { wait, bytes } = self.knobs().pass(connection, way, data);
            thread::sleep(wait);
            let may_pass = data.get(..bytes).unwrap_or_default();
            if to.write_all(may_pass).is_err() {
                break;
            }
            self.knobs().has_carried(way, bytes);
            if bytes < read {
                break;
            }
        }
        self.knobs().ended(way);
        let _ = to.shutdown(Shutdown::Write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A server that counts what it gets from each connection and says so when that ends, and the
    /// link to it.
    struct Counter {
        link: Link,
        counts: std::sync::mpsc::Receiver<usize>,
    }

    impl Counter {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let link = Link::to(listener.local_addr().unwrap().port()).unwrap();
            let (sender, counts) = std::sync::mpsc::channel();
            thread::spawn(move || {
                for mut connection in listener.incoming().flatten() {
                    let sender = sender.clone();
                    thread::spawn(move || {
                        let mut got = Vec::new();
                        let _ = connection.read_to_end(&mut got);
                        let _ = connection.write_all(&vec![8; got.len()]);
                        let _ = sender.send(got.len());
                    });
                }
            });
            Self { link, counts }
        }

        fn connect(&self) -> TcpStream {
            TcpStream::connect(("127.0.0.1", self.link.port)).unwrap()
        }

        /// Sends this many bytes; answers how many come back.
        fn exchange(&self, bytes: usize) -> usize {
            let mut near = self.connect();
            let _ = near.write_all(&vec![7; bytes]);
            let _ = near.shutdown(Shutdown::Write);
            let mut answer = Vec::new();
            let _ = near.read_to_end(&mut answer);
            answer.len()
        }

        fn count(&self) -> usize {
            self.counts.recv_timeout(Duration::from_secs(60)).unwrap()
        }
    }

    #[test]
    fn it_carries_everything_while_it_is_up() {
        let counter = Counter::start();
        assert_eq!(counter.exchange(100_000), 100_000);
        assert_eq!(counter.count(), 100_000);
    }

    #[test]
    fn it_cuts_in_the_middle_of_a_request() {
        let counter = Counter::start();
        counter.link.cut_after(1_000);
        assert_eq!(counter.exchange(100_000), 0);
        assert_eq!(counter.count(), 1_000);
        crate::eventually("it is cut", || Ok(counter.link.is_cut().then_some(()))).unwrap();
        counter.link.restore();
        assert_eq!(counter.exchange(100), 100);
    }

    #[test]
    fn it_cuts_in_the_middle_of_an_answer() {
        let counter = Counter::start();
        counter.link.cut_answers_after(1_000);
        assert_eq!(counter.exchange(100_000), 1_000);
        assert_eq!(counter.count(), 100_000);
        crate::eventually("it is cut", || Ok(counter.link.is_cut().then_some(()))).unwrap();
    }

    #[test]
    fn it_is_as_slow_as_it_is_told() {
        let counter = Counter::start();
        counter.link.limit(100_000);
        let start = Instant::now();
        counter.exchange(10_000);
        // 0.1 s each way.
        assert!(start.elapsed() > Duration::from_millis(180), "{:?}", start.elapsed());
        counter.link.limit(0);
        assert_eq!(counter.exchange(5_000_000), 5_000_000);
    }

    #[test]
    fn what_is_held_arrives_after_what_was_sent_later_even_when_its_sender_has_gone() {
        let counter = Counter::start();
        counter.link.hold();
        let mut held = counter.connect();
        held.write_all(&[7; 500]).unwrap();
        crate::eventually("it is held", || {
            let hold = counter.link.state.knobs().hold;
            Ok(matches!(hold, Hold::Connection(_)).then_some(()))
        })
        .unwrap();
        assert_eq!(counter.exchange(2), 2);
        assert_eq!(counter.count(), 2);
        drop(held);
        counter.link.cut();
        counter.link.release();
        assert_eq!(counter.count(), 500);
    }

    #[test]
    fn a_request_that_was_answered_can_arrive_again() {
        let counter = Counter::start();
        assert!(!counter.link.repeat(0));
        counter.exchange(70_000);
        counter.exchange(300);
        assert_eq!((counter.count(), counter.count()), (70_000, 300));
        assert!(counter.link.repeat(0));
        assert_eq!(counter.count(), 300);
        assert!(counter.link.repeat(1));
        assert_eq!(counter.count(), 70_000);
    }
}
