//! Asking a node for its metrics, as Prometheus does.

use anyhow::{Context, Result};

use crate::{Client, Node};

/// The arguments with which a node shows them, at a port that is free.
pub const LISTEN: [&str; 2] = ["--metrics-listen", "127.0.0.1:0"];
/// Where they are.
pub const PATH: &str = "/metrics";

/// Whoever asks a node that was started with [`LISTEN`].
///
/// # Errors
/// When the node does not say where its metrics are.
pub fn of(node: &Node) -> Result<Client> {
    let log = node.log();
    let (_, place) = log.rsplit_once("Metrics: ").context("it does not say where metrics are")?;
    let place = place.lines().next().unwrap_or_default();
    Ok(Client::new(place.strip_suffix(PATH).context("they are at /metrics")?))
}
