//! What is read when somebody asks: databases, components, the response cache, the disk.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hedge_sqlite::{Database, Stats};
use hedgeschool_history::Disk;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::runtime::service::ServiceLoad;
use crate::server::{CacheUsage, Directory, Routes};

/// A figure: its name, its help, and how it is read.
type Figure<T> = (&'static str, &'static str, fn(&T) -> u64);

const COUNTERS: [Figure<Stats>; 9] = [
    ("sqlite_commits", "Transactions committed, each one fsync", |stats| stats.commits),
    ("sqlite_writes", "Writing statements run, failed ones included", |stats| stats.writes),
    ("sqlite_reads", "Reading statements run, failed ones included", |stats| stats.reads),
    ("sqlite_errors", "Statements that ended in an error", |stats| stats.errors),
    ("sqlite_damaged", "Statements that met a damaged page", |stats| stats.damaged),
    ("sqlite_transactions", "Transactions begun by components", |stats| stats.transactions),
    ("sqlite_transactions_lost", "Transactions rolled back by the host", |stats| {
        stats.transactions_lost
    }),
    ("sqlite_batches_repeated", "Commits undone and repeated one by one", |stats| {
        stats.batches_repeated
    }),
    ("sqlite_checkpoints", "Checkpoints run", |stats| stats.checkpoints),
];
/// In microseconds.
const TIMES: [Figure<Stats>; 2] = [
    ("sqlite_commit", "What commits took, the fsync in them", |stats| stats.commit_us),
    ("sqlite_wait", "What statements waited for their turn", |stats| stats.wait_us),
];
const GAUGES: [Figure<Stats>; 3] = [
    ("sqlite_reads_waiting", "Reading statements that wait", |stats| stats.reads_waiting),
    ("sqlite_writes_waiting", "Writing statements that wait", |stats| stats.writes_waiting),
    ("sqlite_wal_pages", "Pages in the write-ahead log", |stats| stats.wal_pages),
];

const COMPONENT_GAUGES: [Figure<ServiceLoad>; 3] = [
    ("component_requests", "Requests in a component", |load| load.running),
    ("component_requests_waiting", "Requests that wait for a component", |load| load.waiting),
    ("component_instances", "Instances of a component", |load| load.instances),
];
const STARTED: Figure<ServiceLoad> =
    ("component_instances_started", "Instances that were started", |load| load.started);

/// How a figure is told.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    /// A counter of microseconds, told in seconds.
    Time,
    Gauge,
}

/// What is sampled.
pub struct Sampled {
    /// Databases, by the names of their files.
    pub databases: Vec<(String, Database)>,
    /// Where the state is.
    pub folder: PathBuf,
    /// Where components are.
    pub directory: Directory,
}

impl fmt::Debug for Sampled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sampled").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Collector for Sampled {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let stats = |(name, database): &(String, Database)| (name.clone(), database.stats());
        let stats: Vec<_> = self.databases.iter().map(stats).collect();
        for figure in COUNTERS {
            encode_figures(&mut encoder, "database", figure, Kind::Counter, &stats)?;
        }
        for figure in TIMES {
            encode_figures(&mut encoder, "database", figure, Kind::Time, &stats)?;
        }
        for figure in GAUGES {
            encode_figures(&mut encoder, "database", figure, Kind::Gauge, &stats)?;
        }
        if let Some(routes) = self.directory.current_routes() {
            encode_components(&mut encoder, &routes)?;
            if let Some(cache) = &routes.cache {
                encode_response_cache(&mut encoder, &cache.read_usage())?;
            }
        }
        if let Some(Disk { free, size }) = read_disk(&self.folder) {
            encode_gauge(&mut encoder, "disk_free", "Free where the state is", Unit::Bytes, free)?;
            encode_gauge(
                &mut encoder,
                "disk_size",
                "Size of where the state is",
                Unit::Bytes,
                size,
            )?;
        }
        Ok(())
    }
}

/// The disk that a folder is on. None: it cannot be looked at.
pub fn read_disk(folder: &Path) -> Option<Disk> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    let (free, size) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    Some(Disk { free, size })
}

/// One figure of several things, by what the label says they are.
fn encode_figures<'a, T: 'a>(
    encoder: &mut DescriptorEncoder,
    label: &str,
    (name, help, read): Figure<T>,
    kind: Kind,
    things: impl IntoIterator<Item = &'a (String, T)>,
) -> fmt::Result {
    let (metric_type, unit) = match kind {
        Kind::Counter => (MetricType::Counter, None),
        Kind::Time => (MetricType::Counter, Some(&Unit::Seconds)),
        Kind::Gauge => (MetricType::Gauge, None),
    };
    let mut family = encoder.encode_descriptor(name, help, unit, metric_type)?;
    for (thing, figures) in things {
        let labels = [(label, thing.as_str())];
        let (metric, value) = (family.encode_family(&labels)?, read(figures));
        match kind {
            Kind::Counter => ConstCounter::new(value).encode(metric)?,
            Kind::Time => {
                ConstCounter::new(Duration::from_micros(value).as_secs_f64()).encode(metric)?;
            }
            Kind::Gauge => ConstGauge::new(to_signed(value)).encode(metric)?,
        }
    }
    Ok(())
}

fn encode_components(encoder: &mut DescriptorEncoder, routes: &Routes) -> fmt::Result {
    let loads = routes.services.iter().map(|(id, service)| (id.clone(), service.read_load()));
    let loads: Vec<_> = loads.collect();
    for figure in COMPONENT_GAUGES {
        encode_figures(encoder, "component", figure, Kind::Gauge, &loads)?;
    }
    encode_figures(encoder, "component", STARTED, Kind::Counter, &loads)
}

fn encode_response_cache(encoder: &mut DescriptorEncoder, usage: &CacheUsage) -> fmt::Result {
    let help = "Requests that the host answered by itself";
    let counter = encoder.encode_descriptor("cache_hits", help, None, MetricType::Counter)?;
    ConstCounter::new(usage.hits).encode(counter)?;
    let help = "Responses that it took in to do so";
    let counter = encoder.encode_descriptor("cache_kept", help, None, MetricType::Counter)?;
    ConstCounter::new(usage.kept).encode(counter)?;
    encode_gauge(encoder, "cache_size", "What they take", Unit::Bytes, usage.bytes)
}

/// As gauges have them.
fn to_signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn encode_gauge(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Unit,
    value: u64,
) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, Some(&unit), MetricType::Gauge)?;
    ConstGauge::new(to_signed(value)).encode(metric)
}
