//! What the system counts of a container, read from its cgroup: version 1 and version 2.
//!
//! The metrics are those of version 1 in both cases, which every containerd reads: processor time
//! in nanoseconds, memory in bytes.

use std::fs;
use std::path::{Path, PathBuf};

use containerd_shim_protos::cgroups::metrics::{
    CPUStat, CPUUsage, MemoryEntry, MemoryStat, Metrics, PidsStat, Throttle,
};
use containerd_shim_protos::protobuf::MessageField;
use rustix::process::Pid;

/// The folders of a container's cgroup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Version 2: the one folder.
    unified: Option<PathBuf>,
    cpu: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
}

impl Cgroup {
    /// The cgroup that a process is in. Without one, nothing is counted.
    pub fn of_process(pid: Pid) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let membership = read(&format!("/proc/{}/cgroup", pid.as_raw_nonzero()));
        Self::find_folders(&membership, &read("/proc/self/mountinfo"))
    }

    /// Finds the folders by `/proc/PID/cgroup` and `/proc/self/mountinfo` (proc(5), cgroups(7)).
    fn find_folders(membership: &str, mounts: &str) -> Self {
        let folder = |controller: &str| {
            let path = membership.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (controllers, path) = (parts.next()?, parts.next()?);
                controllers.split(',').any(|name| name == controller).then_some(path)
            })?;
            Some(mount_of(controller, mounts)?.join(path.trim_start_matches('/')))
        };
        let unified = || {
            let path = membership.lines().find_map(|line| line.strip_prefix("0::"))?;
            Some(mount_of("", mounts)?.join(path.trim_start_matches('/')))
        };
        match folder("memory") {
            Some(memory) => Self {
                unified: None,
                cpu: folder("cpu"),
                cpuacct: folder("cpuacct"),
                memory: Some(memory),
                pids: folder("pids"),
            },
            None => Self { unified: unified(), ..Self::default() },
        }
    }

    /// The processes in it.
    pub fn process_ids(&self) -> Vec<u32> {
        let folder = self.unified.as_ref().or(self.memory.as_ref());
        let text = read_file(folder, "cgroup.procs");
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// How many of its processes were ended for want of memory.
    pub fn killed_for_memory(&self) -> u64 {
        let text = match &self.unified {
            Some(_) => read_file(self.unified.as_ref(), "memory.events"),
            None => read_file(self.memory.as_ref(), "memory.oom_control"),
        };
        number_at(&text, "oom_kill")
    }

    /// What is counted now.
    pub fn read_metrics(&self) -> Metrics {
        match &self.unified {
            Some(_) => self.metrics_of_version_2(),
            None => self.metrics_of_version_1(),
        }
    }

    fn metrics_of_version_1(&self) -> Metrics {
        let usage = CPUUsage {
            total: parse_number(&read_file(self.cpuacct.as_ref(), "cpuacct.usage")),
            user: parse_number(&read_file(self.cpuacct.as_ref(), "cpuacct.usage_user")),
            kernel: parse_number(&read_file(self.cpuacct.as_ref(), "cpuacct.usage_sys")),
            ..CPUUsage::default()
        };
        let stat = read_file(self.cpu.as_ref(), "cpu.stat");
        let throttling = throttle_stat(&stat, number_at(&stat, "throttled_time"));
        let memory = |name: &str| parse_number(&read_file(self.memory.as_ref(), name));
        let stat = read_file(self.memory.as_ref(), "memory.stat");
        let memory = memory_stat(
            memory("memory.usage_in_bytes"),
            memory("memory.limit_in_bytes"),
            number_at(&stat, "total_inactive_file"),
            number_at(&stat, "total_rss"),
        );
        build_metrics(usage, throttling, memory, self.pids.as_ref())
    }

    fn metrics_of_version_2(&self) -> Metrics {
        let folder = self.unified.as_ref();
        let stat = read_file(folder, "cpu.stat");
        let nanoseconds = |key: &str| number_at(&stat, key).saturating_mul(1_000);
        let usage = CPUUsage {
            total: nanoseconds("usage_usec"),
            user: nanoseconds("user_usec"),
            kernel: nanoseconds("system_usec"),
            ..CPUUsage::default()
        };
        let throttling = throttle_stat(&stat, nanoseconds("throttled_usec"));
        let memory = read_file(folder, "memory.stat");
        let memory = memory_stat(
            parse_number(&read_file(folder, "memory.current")),
            parse_number(&read_file(folder, "memory.max")),
            number_at(&memory, "inactive_file"),
            number_at(&memory, "anon"),
        );
        build_metrics(usage, throttling, memory, folder)
    }
}

/// Where a controller's tree is mounted; `""` is version 2.
fn mount_of(controller: &str, mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let (kind, options) = system.split_once(' ')?;
        let matches = match controller {
            "" => kind == "cgroup2",
            _ => {
                let mut options = options.rsplit(' ').next()?.split(',');
                kind == "cgroup" && options.any(|name| name == controller)
            }
        };
        // Of a tree that is mounted in part, paths are not those of its root.
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (matches && root == "/").then(|| PathBuf::from(point))
    })
}

fn throttle_stat(stat: &str, time: u64) -> Throttle {
    Throttle {
        periods: number_at(stat, "nr_periods"),
        throttled_periods: number_at(stat, "nr_throttled"),
        throttled_time: time,
        ..Throttle::default()
    }
}

fn memory_stat(usage: u64, limit: u64, inactive_file: u64, resident: u64) -> MemoryStat {
    let entry = MemoryEntry { usage, limit, ..MemoryEntry::default() };
    MemoryStat {
        usage: MessageField::some(entry),
        total_inactive_file: inactive_file,
        inactive_file,
        rss: resident,
        total_rss: resident,
        ..MemoryStat::default()
    }
}

fn build_metrics(
    usage: CPUUsage,
    throttling: Throttle,
    memory: MemoryStat,
    pids: Option<&PathBuf>,
) -> Metrics {
    let cpu = CPUStat {
        usage: MessageField::some(usage),
        throttling: MessageField::some(throttling),
        ..CPUStat::default()
    };
    let pids = PidsStat {
        current: parse_number(&read_file(pids, "pids.current")),
        limit: parse_number(&read_file(pids, "pids.max")),
        ..PidsStat::default()
    };
    Metrics {
        cpu: MessageField::some(cpu),
        memory: MessageField::some(memory),
        pids: MessageField::some(pids),
        ..Metrics::default()
    }
}

fn read_file(folder: Option<&PathBuf>, file: &str) -> String {
    let path = folder.map(|folder: &PathBuf| Path::new(folder).join(file));
    path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default()
}

/// A file of one number; `max` is none.
fn parse_number(text: &str) -> u64 {
    text.trim().parse().unwrap_or(0)
}

/// The number beside a key, in a file of lines `key number`.
fn number_at(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    line.map_or(0, parse_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "9:memory:/pods/a\n4:cpu,cpuacct:/pods/a\n3:pids:/pods/a\n0::/\n";
    const V1_MOUNTS: &str = "\
        30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        32 25 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";

    #[test]
    fn folders_are_found_in_both_versions() {
        let first = Cgroup::find_folders(V1, V1_MOUNTS);
        assert_eq!(first.memory.unwrap(), Path::new("/sys/fs/cgroup/memory/pods/a"));
        assert_eq!(first.cpuacct.unwrap(), Path::new("/sys/fs/cgroup/cpu,cpuacct/pods/a"));
        let mounts = "30 25 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";
        let second = Cgroup::find_folders("0::/kubepods.slice/a.scope\n", mounts);
        let folder = Path::new("/sys/fs/cgroup/kubepods.slice/a.scope");
        assert_eq!(second.unified.unwrap(), folder);
        assert_eq!(Cgroup::find_folders("", ""), Cgroup::default());
    }

    #[test]
    fn version_2_is_told_in_the_units_of_version_1() {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("cpu.stat", "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 2\n"),
            ("memory.current", "4096\n"),
            ("memory.max", "max\n"),
            ("memory.stat", "anon 1024\ninactive_file 2048\n"),
            ("memory.events", "low 0\noom 3\noom_kill 2\n"),
            ("pids.current", "5\n"),
            ("cgroup.procs", "11\n12\n"),
        ] {
            fs::write(folder.path().join(file), text).unwrap();
        }
        let cgroup = Cgroup { unified: Some(folder.path().to_owned()), ..Cgroup::default() };
        let metrics = cgroup.read_metrics();
        let usage = &metrics.cpu.usage;
        assert_eq!((usage.total, usage.user, usage.kernel), (1_500_000, 1_000_000, 500_000));
        let memory = &metrics.memory;
        assert_eq!((memory.usage.usage, memory.usage.limit), (4096, 0));
        assert_eq!((memory.total_inactive_file, memory.total_rss), (2048, 1024));
        assert_eq!((metrics.pids.current, cgroup.killed_for_memory()), (5, 2));
        assert_eq!(cgroup.process_ids(), [11, 12]);
    }
}
