//! The thread that copies the WAL into the database, while the writer goes on.
//!
//! A checkpoint writes and synchronises megabytes: on the writer's thread everybody would wait for
//! it.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Relaxed, Ordering::SeqCst};
use std::thread;

use crate::error::Error;
use crate::guarded_connection::Role;
use crate::options::COPY_PASSES_MAX;
use crate::shared::Shared;
use crate::stats::count_one;
use crate::wal::is_to_go_on;

/// The thread that copies, until the queue is closed and empty.
pub(crate) fn run_copier(shared: &Arc<Shared>) {
    while let Some(_asked) = shared.checkpoints.requests.pop() {
        if let Err(error) = copy_wal(shared) {
            tracing::warn!(%error, "checkpoint failed; the WAL keeps everything");
        }
    }
}

/// Opens a connection for each copy, which would otherwise keep a page cache from one to the next.
fn copy_wal(shared: &Shared) -> Result<(), Error> {
    let _turn = shared.checkpoints.take_turn();
    let copied = &shared.checkpoints.copied;
    let pages = || shared.counters.wal_pages.load(Relaxed).try_into().unwrap_or(i64::MAX);
    let copied_before = copied.swap(0, SeqCst);
    let has_started_over = copied_before > pages();
    let mut left = if has_started_over { pages() } else { pages() - copied_before };
    let connection = shared.open_connection(Role::Reader)?;
    for _ in 0..COPY_PASSES_MAX {
        count_one(&shared.counters.checkpoints);
        copied.store(connection.run_checkpoint("PASSIVE")?.copied, SeqCst);
        thread::sleep(shared.options.sync_delay);
        let pages = pages();
        let before = mem::replace(&mut left, pages - copied.load(SeqCst));
        if !is_to_go_on(pages, before, left) {
            break;
        }
    }
    // SQLite counts as copied what it was told is written.
    if let Err(error) = connection.sync_file() {
        tracing::error!(%error, "the database could not be synchronised: look at its disk, and \
            have a backup at hand");
    }
    thread::sleep(shared.options.sync_delay);
    Ok(())
}
