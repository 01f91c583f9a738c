//! Work done by several threads at once.

use std::thread;

use anyhow::{Context, Result};

/// Does something in as many threads, each with a number from 0.
pub fn in_parallel<T: Send>(
    count: usize,
    work: &(impl Fn(usize) -> Result<T> + Sync),
) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|n| scope.spawn(move || work(n))).collect();
        threads.into_iter().map(|thread| thread.join().ok().context("a thread panicked")?).collect()
    })
}
