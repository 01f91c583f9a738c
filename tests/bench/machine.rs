//! On what it was measured.

use std::fs;
use std::thread;

use hedgeschool_tests::is_own_host;

/// Processor, cores, memory, kernel and host, in one line.
pub fn describe() -> String {
    let processor =
        value("/proc/cpuinfo", "model name").unwrap_or_else(|| "processor unknown".into());
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let memory = value("/proc/meminfo", "MemTotal").unwrap_or_default();
    let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let host = if is_own_host() {
        "hedge".into()
    } else {
        std::env::var("HEDGE_TEST_HOST").unwrap_or_default()
    };
    format!(
        "{processor}, {cores} cores shared with the load generator, {} GiB, Linux {}; host: {host}",
        memory_kib >> 20,
        kernel.trim(),
    )
}

/// The value after `name :` in one of the kernel's tables.
fn value(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}
