//! The figures that Prometheus' clients have of their process, under the names that all use.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use procfs::WithCurrentSystemInfo;
use procfs::process::Process as Kernel;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// This process.
#[derive(Debug)]
pub struct Process {
    started: SystemTime,
}

impl Default for Process {
    fn default() -> Self {
        Self { started: SystemTime::now() }
    }
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let mut gauge = |name: &str, help: &str, unit: Option<Unit>, value: f64| {
            let metric = encoder.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        };
        let help = "When it started, since 1970";
        gauge("process_start_time", help, Some(Unit::Seconds), started)?;
        let Ok(process) = Kernel::myself() else { return Ok(()) };
        if let Ok(files) = process.fd_count() {
            gauge("process_open_fds", "Files and sockets that it has open", None, files as f64)?;
        }
        let Ok(stat) = process.stat() else { return Ok(()) };
        let memory = stat.rss_bytes().get() as f64;
        let help = "Memory that it has";
        gauge("process_resident_memory", help, Some(Unit::Bytes), memory)?;
        let ticks = (stat.utime + stat.stime) as f64;
        let busy = ConstCounter::new(ticks / procfs::ticks_per_second() as f64);
        let help = "Time that it has kept processors busy";
        let unit = Some(&Unit::Seconds);
        busy.encode(encoder.encode_descriptor("process_cpu", help, unit, MetricType::Counter)?)
    }
}
