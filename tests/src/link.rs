use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

/// The network between a node and its upstream: a TCP proxy that can be cut, also in the middle of a
/// body, and slowed down.
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

#[derive(Default)]
struct Knobs {
    /// Connections are refused.
    cut: bool,
    /// How many bytes may still go upstream before the link is cut by itself.
    bytes_left: Option<u64>,
    /// How long each piece of data is held up.
    delay: Duration,
    /// Both ends of each open connection, to be able to close them.
    connections: HashMap<usize, [TcpStream; 2]>,
    /// How many connections there have been.
    count: usize,
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

    /// Closes every connection and refuses new ones.
    pub fn cut(&self) {
        self.state.knobs().cut();
    }

    /// Cuts the link once this many more bytes have gone upstream, wherever that is in a request.
    pub fn cut_after(&self, bytes: u64) {
        self.state.knobs().bytes_left = Some(bytes);
    }

    /// Whether the link is cut, by [`Link::cut`] or by itself.
    pub fn is_cut(&self) -> bool {
        self.state.knobs().cut
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        let mut knobs = self.state.knobs();
        knobs.cut = false;
        knobs.bytes_left = None;
    }

    /// Holds up each piece of data by this long.
    pub fn delay(&self, delay: Duration) {
        self.state.knobs().delay = delay;
    }

    /// How many connections have been made so far.
    pub fn connections(&self) -> usize {
        self.state.knobs().count
    }
}

impl Drop for Link {
    fn drop(&mut self) {
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
            if self.knobs().cut {
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
        let number = self.register(&near, &far)?;
        thread::scope(|scope| {
            scope.spawn(|| self.carry(&far, &near, false));
            self.carry(&near, &far, true);
        });
        self.knobs().connections.remove(&number);
        Ok(())
    }

    fn register(&self, near: &TcpStream, far: &TcpStream) -> io::Result<usize> {
        let ends = [near.try_clone()?, far.try_clone()?];
        let mut knobs = self.knobs();
        if knobs.cut {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        knobs.count += 1;
        let number = knobs.count;
        knobs.connections.insert(number, ends);
        Ok(number)
    }

    /// Carries data in one direction until its end, or the link's.
    fn carry(&self, mut from: &TcpStream, mut to: &TcpStream, upstream: bool) {
        let mut buffer = [0; 16 << 10];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let (delay, allowed) = self.allowance(read, upstream);
            thread::sleep(delay);
            let data = buffer.get(..allowed).unwrap_or_default();
            if to.write_all(data).is_err() || allowed < read {
                break;
            }
        }
        if upstream && self.knobs().bytes_left == Some(0) {
            self.knobs().cut();
        }
        let _ = to.shutdown(Shutdown::Write);
    }

    /// How long to hold data up, and how much of it may pass.
    fn allowance(&self, read: usize, upstream: bool) -> (Duration, usize) {
        let mut knobs = self.knobs();
        let Some(left) = knobs.bytes_left.filter(|_| upstream) else { return (knobs.delay, read) };
        let allowed = read.min(usize::try_from(left).unwrap_or(read));
        knobs.bytes_left = Some(left - allowed as u64);
        (knobs.delay, allowed)
    }
}

impl Knobs {
    fn cut(&mut self) {
        self.cut = true;
        for end in self.connections.drain().flat_map(|(_, ends)| ends) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that counts what it gets, and the link to it.
    fn counter() -> (Link, thread::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = Link::to(listener.local_addr().unwrap().port()).unwrap();
        let count = thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut got = Vec::new();
            let _ = connection.read_to_end(&mut got);
            got.len()
        });
        (link, count)
    }

    #[test]
    fn it_carries_everything_while_it_is_up() {
        let (link, count) = counter();
        let mut near = TcpStream::connect(("127.0.0.1", link.port)).unwrap();
        near.write_all(&[7; 100_000]).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(count.join().unwrap(), 100_000);
    }

    #[test]
    fn it_cuts_in_the_middle() {
        let (link, count) = counter();
        link.cut_after(1_000);
        let mut near = TcpStream::connect(("127.0.0.1", link.port)).unwrap();
        let _ = near.write_all(&[7; 100_000]);
        assert_eq!(count.join().unwrap(), 1_000);
        crate::eventually("the link is cut", || Ok(link.is_cut().then_some(()))).unwrap();
        link.restore();
        assert!(!link.is_cut());
    }
}
