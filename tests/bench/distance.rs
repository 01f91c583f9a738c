//! A long way between two nodes: everything arrives later, but no less of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Most that is read at a time.
const PIECE_BYTES: usize = 64 << 10;
/// Most pieces on the way in one direction of a connection: 256 MB, more than any link of ours
/// carries in a second.
const PIECES_MAX: usize = 4_096;

/// Listens for connections to a port of this machine, which is so far away; answers the address.
pub fn to(target: u16, one_way: Duration) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    // Until the process ends.
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            thread::spawn(move || connect(near, target, one_way));
        }
    });
    Ok(address)
}

fn connect(near: TcpStream, target: u16, one_way: Duration) -> io::Result<()> {
    let far = TcpStream::connect(("127.0.0.1", target))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (back, forth) = ((far.try_clone()?, near.try_clone()?), (near, far));
    thread::spawn(move || carry(back.0, back.1, one_way));
    carry(forth.0, forth.1, one_way);
    Ok(())
}

/// Carries one direction, until its end.
fn carry(mut from: TcpStream, to: TcpStream, one_way: Duration) {
    let (sender, pieces) = sync_channel(PIECES_MAX);
    let arriving = thread::spawn(move || arrive(&to, &pieces));
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let data = buffer.get(..read).unwrap_or_default().to_vec();
        if sender.send((Instant::now() + one_way, data)).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = arriving.join();
}

fn arrive(mut to: &TcpStream, pieces: &Receiver<(Instant, Vec<u8>)>) {
    for (due, data) in pieces {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&data).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
