//! Filling a store before it is read from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Result, anyhow};
use hedgeschool_tests::{Client, Node};
use http::Method;

use crate::traffic::Traffic;

/// Statements of a request: as many as it may have.
const BATCH: u64 = 1_000;
/// Clients that post at a time.
const CLIENTS: usize = 4;
/// How often progress is shown.
const SHOWN_EVERY: u64 = 50_000;

/// Posts the statements from 0 up to this number.
pub fn fill(node: &Node, size: u64) -> Result<()> {
    let (next, start) = (AtomicU64::new(0), Instant::now());
    thread::scope(|scope| {
        let fillers =
            [(); CLIENTS].map(|()| scope.spawn(|| post(&node.xapi(), size, &next, start)));
        fillers.into_iter().try_for_each(|filler| {
            filler.join().unwrap_or_else(|_| Err(anyhow!("a client that fills the store panicked")))
        })
    })
}

fn post(client: &Client, size: u64, next: &AtomicU64, start: Instant) -> Result<()> {
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= size {
            return Ok(());
        }
        let body = Traffic { size }.batch(first, BATCH.min(size - first));
        let body = Some(("application/json", body.as_bytes()));
        client.send(Method::POST, "/xapi/statements", body)?.expect(200)?;
        if first > 0 && first.is_multiple_of(SHOWN_EVERY) {
            let rate = first as f64 / start.elapsed().as_secs_f64();
            eprintln!("filling the store: {first} of {size} statements, {rate:.0}/s");
        }
    }
}
