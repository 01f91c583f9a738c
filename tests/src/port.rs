use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

/// Ports below those the kernel hands out for outgoing connections: a node that restarts finds its
/// port as it left it, whatever else runs.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port of this machine that nothing listens on.
pub fn free() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test programs that run side by side begin in different places.
    let begin = (process::id() % u32::from(COUNT) / 100 * 100) as u16;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (begin + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port from {FIRST} on")
}
