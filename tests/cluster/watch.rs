//! Who works with a node's databases.

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use hedgeschool_tests::cluster;

/// What the store of statements is called on the volume.
const DATABASE: &str = "progress.db";
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// The processes that have the node's database open.
pub fn writers() -> Result<BTreeSet<u32>> {
    let has_it = |pid: &u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut files = files.filter_map(|entry| fs::read_link(entry.path()).ok());
        files.any(|file| file.ends_with(DATABASE))
    };
    Ok(cluster::workloads()?.into_iter().filter(has_it).collect())
}

/// Lets something happen while it is watched that no two processes work with the database.
pub fn watched<T>(happens: impl FnOnce() -> Result<T>) -> Result<T> {
    let (has_ended, most) = (AtomicBool::new(false), AtomicUsize::new(0));
    let outcome = thread::scope(|scope| {
        scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                let count = writers().map(|all| all.len()).unwrap_or_default();
                most.fetch_max(count, Ordering::Relaxed);
                thread::sleep(PAUSE);
            }
        });
        let outcome = happens();
        has_ended.store(true, Ordering::Relaxed);
        outcome
    })?;
    let most = most.load(Ordering::Relaxed);
    ensure!(most == 1, "{most} processes had the database open at one time");
    Ok(outcome)
}
