//! How this node stands with others, as OpenMetrics text: what Prometheus reads.
//!
//! It is of the stores, and so the same whichever host the node runs on. What a host counts by
//! itself (requests, instances) is the host's to say.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::admin::report::{Arriving, NodeStatus, Status, UpstreamStatus};

/// The media type of [`write_text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What all names begin with.
const PREFIX: &str = "hedgeschool";

type Number = Gauge<f64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Number>;

/// All of a status that is a number.
pub fn write_text(status: &Status) -> Result<String, fmt::Error> {
    let mut all = Registry::with_prefix(PREFIX);
    if let Some(above) = &status.upstream {
        add_upstream(&mut all, above);
    }
    add_nodes(&mut all, &status.nodes);
    add_stores(&mut all, status);
    let mut text = String::new();
    encode(&mut text, &all)?;
    Ok(text)
}

fn add_upstream(all: &mut Registry, above: &UpstreamStatus) {
    let queue = above.queue as f64;
    add_number(all, "unsynced_entries", "Changes that the node above has not applied", None, queue);
    let age = above.queue_age_seconds as f64;
    add_number(all, "unsynced_age", "Age of the oldest of them", Some(Unit::Seconds), age);
    let silence = above.seconds_since_contact.map_or(f64::INFINITY, |seconds| seconds as f64);
    let help = "Since the node above was last reached";
    add_number(all, "upstream_silence", help, Some(Unit::Seconds), silence);
    let failing = above.seconds_failing.unwrap_or_default() as f64;
    let help = "For how long rounds have failed; 0 if the last one did not";
    add_number(all, "upstream_failing", help, Some(Unit::Seconds), failing);
    let help = "The clock of the node above against this one's";
    add_number(all, "upstream_skew", help, Some(Unit::Seconds), above.skew_seconds);
    let waits = above.waits_for_upgrade.len() as f64;
    let help = "Kinds of changes that wait until the node above is upgraded";
    add_number(all, "upstream_withheld_kinds", help, None, waits);
}

fn add_nodes(all: &mut Registry, nodes: &[NodeStatus]) {
    type Read = fn(&NodeStatus) -> f64;
    let figures: [(&str, &str, Option<Unit>, Read); 6] = [
        ("node_silence", "Since a node below was last heard", Some(Unit::Seconds), |node| {
            node.seconds_since_contact as f64
        }),
        ("node_unsynced_entries", "Changes that wait at a node below", None, |node| {
            node.queue as f64
        }),
        ("node_unsynced_age", "Age of the oldest of them", Some(Unit::Seconds), |node| {
            node.queue_age_seconds as f64
        }),
        (
            "node_skew",
            "The clock of a node below against this one's",
            Some(Unit::Seconds),
            |node| node.skew_seconds,
        ),
        ("node_conflicts", "Conflicts at a node below that nobody has settled", None, |node| {
            node.conflicts as f64
        }),
        ("node_storage_used", "What the stores of a node below take", Some(Unit::Bytes), |node| {
            node.storage.used_bytes as f64
        }),
    ];
    for (name, help, unit, read) in figures {
        let of_nodes = nodes.iter().map(|node| (vec![("node", node.node.clone())], read(node)));
        add_numbers(all, name, help, unit, of_nodes);
    }
}

fn add_stores(all: &mut Registry, status: &Status) {
    let conflicts = status.conflicts as f64;
    add_number(all, "conflicts", "Conflicts here that nobody has settled", None, conflicts);
    let arriving = status.arriving.len() as f64;
    add_number(all, "courses_arriving", "Courses on their way here", None, arriving);
    let missing = |arriving: &Arriving| arriving.bytes - arriving.have_bytes;
    let missing = status.arriving.iter().map(missing).sum::<u64>() as f64;
    let help = "What is still to come of them";
    add_number(all, "courses_arriving_missing", help, Some(Unit::Bytes), missing);
    let used = status.storage.used_bytes as f64;
    add_number(all, "storage_used", "What the stores take", Some(Unit::Bytes), used);
    if let Some(limit) = status.storage.limit_bytes {
        let help = "What the stores may take";
        add_number(all, "storage_limit", help, Some(Unit::Bytes), limit as f64);
    }
    let given_up = status.storage.given_up.len() as f64;
    let help = "Courses whose bytes were given up to make room";
    add_number(all, "courses_given_up", help, None, given_up);
    let journals = status.journals.iter();
    let journals = journals.map(|(name, head)| (vec![("store", (*name).to_owned())], *head as f64));
    let help = "Last sequence of a store's journal: what was ever changed";
    add_numbers(all, "journal_sequence", help, None, journals);
    if let Some(redis) = &status.redis {
        let is_well = f64::from(u8::from(redis.problem.is_none()));
        add_number(all, "redis_up", "Whether Redis answers", None, is_well);
        let queue = redis.queue.unwrap_or_default() as f64;
        let help = "Batches in Redis that wait to be applied";
        add_number(all, "redis_queue_batches", help, None, queue);
    }
}

fn add_number(all: &mut Registry, name: &str, help: &str, unit: Option<Unit>, value: f64) {
    add_numbers(all, name, help, unit, [(Vec::new(), value)]);
}

fn add_numbers(
    all: &mut Registry,
    name: &str,
    help: &str,
    unit: Option<Unit>,
    values: impl IntoIterator<Item = (Labels, f64)>,
) {
    let family = Numbers::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    match unit {
        Some(unit) => all.register_with_unit(name, help, unit, family),
        None => all.register(name, help, family),
    }
}
