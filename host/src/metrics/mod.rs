//! What the host counts and measures, as OpenMetrics text: what Prometheus reads.
//!
//! Names follow Prometheus' conventions. Labels are components, routes, classes of status and
//! databases, all of which an application has few of: never a learner, a course or an address.

mod events;
mod listen;
mod process;
mod requests;
mod sampled;
mod tally;

use std::fmt;
use std::path::PathBuf;

use hedge_sqlite::Database;
use hedgeschool_history::Disk;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use events::Events;
pub use listen::serve_metrics;
pub use requests::{Counting, RequestCounters, RouteCounters};

use crate::server::Directory;
use process::Process;
use sampled::{Sampled, read_disk};
pub use tally::Tallied;

/// The media type of what [`Metrics::encode_text`] writes.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What the names of this host's own figures begin with.
const PREFIX: &str = "hedge";

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    folder: PathBuf,
    /// Of requests.
    pub requests: RequestCounters,
}

impl Metrics {
    /// Counts nothing yet. `folder` is where the state is.
    pub fn new(
        databases: Vec<(String, Database)>,
        folder: PathBuf,
        directory: Directory,
        events: &Events,
    ) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Process::default()));
        let own = registry.sub_registry_with_prefix(PREFIX);
        own.register("build", "Which host this is", Info::new([("version", VERSION)]));
        let requests = RequestCounters::register_counters(own);
        events.register_events(own);
        let sampled = Sampled { databases, folder: folder.clone(), directory };
        own.register_collector(Box::new(sampled));
        Self { registry, folder, requests }
    }

    /// The disk where the state is. None: it cannot be looked at.
    pub fn disk_usage(&self) -> Option<Disk> {
        read_disk(&self.folder)
    }

    /// All of it, as text.
    ///
    /// # Errors
    /// Never, but for what memory there is.
    pub fn encode_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
