//! `GET /sync/v1/status` and `/metrics`: how this node stands with others.

use std::collections::BTreeMap;

use hedgeschool_redis::Redis;
use hedgeschool_web::{Problem, Reply, StatusCode};

use crate::admin::health::count_conflicts;
use crate::admin::metrics;
use crate::admin::report::{
    Arriving, NodeStatus, RedisStatus, Status, StorageStatus, UpstreamStatus,
};
use crate::admin::storage::{list_given_up, read_storage};
use crate::checkpoint::{Snapshot, count_unapplied};
use crate::client::upstream::Upstream;
use crate::error::Result;
use crate::peer::{list_reports, list_withheld, node_id, now_us};
use crate::server::read_queue_length;
use crate::server::redis_health::last_problem;
use crate::store::{Journal, arrivals};

/// Answers `GET /sync/v1/status`.
pub async fn show_status() -> Result<Reply> {
    Ok(Reply::json(&read_status().await?)?)
}

/// Answers `GET /sync/v1/metrics`.
pub async fn show_metrics() -> Result<Reply> {
    let text = metrics::write_text(&read_status().await?).map_err(Problem::internal)?;
    Ok(Reply::new(StatusCode::OK, metrics::MEDIA_TYPE, text))
}

async fn read_status() -> Result<Status> {
    let mut journals = BTreeMap::new();
    for journal in Journal::ALL {
        journals.insert(journal.name(), journal.read_head().await?);
    }
    Ok(Status {
        node: node_id().await?,
        version: env!("CARGO_PKG_VERSION"),
        upstream: read_upstream().await?,
        nodes: read_nodes().await?,
        conflicts: count_conflicts().await?,
        arriving: read_arriving().await?,
        storage: read_storage_status().await?,
        journals,
        redis: read_redis().await?,
    })
}

async fn read_arriving() -> Result<Vec<Arriving>> {
    let arriving = arrivals::arriving().await?.into_iter().map(|arrival| Arriving {
        id: arrival.id,
        title: arrival.title,
        have_bytes: arrival.have,
        bytes: arrival.size,
    });
    Ok(arriving.collect())
}

async fn read_storage_status() -> Result<StorageStatus> {
    let storage = read_storage().await?;
    Ok(StorageStatus {
        used_bytes: storage.used,
        limit_bytes: (storage.limit > 0).then_some(storage.limit),
        given_up: list_given_up().await?,
    })
}

async fn read_redis() -> Result<Option<RedisStatus>> {
    let Some(redis) = Redis::configured().await? else { return Ok(None) };
    let length = read_queue_length(redis).await;
    let problem = length.as_ref().err().map(ToString::to_string);
    Ok(Some(RedisStatus { queue: length.ok(), problem, last_problem: last_problem().await? }))
}

async fn read_upstream() -> Result<Option<UpstreamStatus>> {
    let Some(upstream) = Upstream::load_configured().await? else { return Ok(None) };
    let snapshot = Snapshot::read(&upstream.url).await?;
    let unapplied = count_unapplied(&upstream.me, &snapshot).await?;
    Ok(Some(UpstreamStatus::new(snapshot.upstream, &unapplied, now_us())))
}

/// The nodes below, as they have told.
async fn read_nodes() -> Result<Vec<NodeStatus>> {
    let mut withheld = list_withheld().await?;
    let now = now_us();
    let nodes = list_reports().await?.into_iter().map(|(node, report)| {
        let waits = withheld.remove(&node).unwrap_or_default();
        NodeStatus::new(node, report, waits, now)
    });
    Ok(nodes.collect())
}
