//! On what it was measured.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use hedgeschool_tests::{is_own_host, repository};

use crate::report::{Times, milliseconds};

/// Syncs that are timed to know the disk.
const SYNCS: usize = 200;

/// Processor, cores, memory, kernel, disk, commit and host, a line each.
pub fn describe() -> Result<String> {
    let processor = value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let memory = value("/proc/meminfo", "MemTotal").unwrap_or_default();
    let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let state = repository("target");
    let lines = [
        format!("Processor: {processor}, {cores} cores shared with the load generator"),
        format!("Memory: {} GiB", memory_kib >> 20),
        format!("Kernel: Linux {}", kernel.trim()),
        format!("Disk: {}, {}", file_system(&state).unwrap_or_default(), sync_times(&state)?),
        format!("Commit: {}", commit(&repository("."))),
        format!("Host: {}", host()),
    ];
    Ok(lines.map(|line| format!("- {line}")).join("\n"))
}

fn host() -> String {
    let other = std::env::var("HEDGE_TEST_HOST").unwrap_or_default();
    if is_own_host() { "hedge".into() } else { other }
}

/// The value after `name :` in one of the kernel's tables.
fn value(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// The type of the file system that a folder is on.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next().zip(fields.next())
    });
    let above = mounts.filter(|(place, _)| folder.starts_with(place));
    above.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_owned())
}

/// How long it takes to append 4 KiB to a file and sync it.
fn sync_times(folder: &Path) -> Result<String> {
    let path = folder.join("bench-sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    fs::remove_file(path)?;
    let times = Times::new(times);
    let [median, slow] = [0.5, 0.99].map(|share| milliseconds(times.percentile(share)));
    Ok(format!("an appended 4 KiB synced in {median} (P99 {slow})"))
}

/// The commit that is checked out in a folder, and whether files differ from it.
pub fn commit(folder: &Path) -> String {
    let describe = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    let output = Command::new("git").args(describe).current_dir(folder).output();
    let output = output.ok().filter(|output| output.status.success());
    let name = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    name.unwrap_or_else(|| "unknown".into())
}
