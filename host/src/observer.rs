//! Tells the `sync` component, ten minutes after ten minutes, what only a host knows: how many
//! requests came, how long answers took, and what is free of the disk. The component keeps it, and
//! the portal draws it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use hedgeschool_history::{Host, PERIOD_S};
use tokio::time::Instant;

use crate::inside;
use crate::metrics::{Metrics, Tallied};
use crate::server::Directory;
use crate::ticker::COMPONENT;

const OBSERVE: &str = "/observe";

/// Tells until dropped: once at the start, then at the end of each period.
pub async fn run_observer(directory: Directory, metrics: Arc<Metrics>) {
    let mut before: Option<(Instant, Tallied)> = None;
    loop {
        let (now, tallied) = (Instant::now(), metrics.requests.read_tally());
        let requests = before.map(|(at, before)| tallied.since_earlier(&before, now - at));
        before = Some((now, tallied));
        let host = Host { requests, disk: metrics.disk_usage() };
        // Of no consequence to anything but a picture.
        if let Err(error) = tell_sync(&directory, &host).await {
            tracing::debug!("nobody keeps the node's week: {error:#}");
        }
        tokio::time::sleep(until_next_period()).await;
    }
}

async fn tell_sync(directory: &Directory, host: &Host) -> Result<()> {
    let body = Bytes::from(serde_json::to_vec(host)?);
    inside::post_to(directory, COMPONENT, OBSERVE, body).await.map(drop)
}

/// A period ends with a full ten minutes of the clock, shortly after which its sample is taken.
fn until_next_period() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let period = PERIOD_S.unsigned_abs();
    Duration::from_secs(period - now.as_secs() % period)
}
