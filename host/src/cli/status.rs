//! `hedge status`: how a running node stands with the one above it and those below.

use anyhow::Result;
use clap::Args;
use http::Method;
use serde_json::Value;

use super::node::Node;

const MB: u64 = 1_000_000;
/// Where a node tells how it stands.
const STATUS: &str = "/sync/v1/status";

/// The arguments of `hedge status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Print JSON, as the node answers it
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: Node,
}

impl Status {
    /// Runs the command.
    ///
    /// # Errors
    /// When the node cannot be reached, or refuses; says what it said.
    pub fn run(self) -> Result<()> {
        let status = self.node.request_json(Method::GET, STATUS, None)?;
        if self.json {
            println!("{status}");
            return Ok(());
        }
        status_lines(&status).iter().for_each(|line| println!("{line}"));
        Ok(())
    }
}

/// The status, a line each for the node, what is above it, what is below it, and what arrives.
fn status_lines(status: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {} conflicts{}",
        text_of(status, "node"),
        number_of(status, "conflicts"),
        if number_of(status, "conflicts") > 0 { ": GET /sync/v1/conflicts lists them" } else { "" },
    )];
    match status.get("upstream").filter(|upstream| !upstream.is_null()) {
        None => lines.push("above   none".to_owned()),
        Some(upstream) => {
            let name = format!("{} {}", text_of(upstream, "node"), text_of(upstream, "url"));
            lines.push(format!("above   {}  {}", name.trim(), peer_text(upstream)));
            let told = ["problem", "advice"].map(|name| text_of(upstream, name));
            let told = told.iter().filter(|text| !text.is_empty());
            lines.extend(told.map(|text| format!("        {text}")));
        }
    }
    lines.extend(status.get("storage").map(|storage| format!("disk    {}", storage_text(storage))));
    for node in items_of(status, "nodes") {
        let conflicts = number_of(node, "conflicts");
        let name = text_of(node, "node");
        let of = |name| node.pointer(name).and_then(Value::as_u64).unwrap_or(0);
        let disk = disk_text(of("/storage/used_bytes"), of("/storage/limit_bytes"));
        lines.push(format!("below   {name}  {}, {conflicts} conflicts, {disk}", peer_text(node)));
    }
    if let Some(redis) = status.get("redis").filter(|redis| !redis.is_null()) {
        lines.push(format!("redis   {}", queue_text(redis)));
    }
    for course in items_of(status, "arriving") {
        let (have, all) = (number_of(course, "have_bytes"), number_of(course, "bytes"));
        lines.push(format!("course  {}  {have} of {all} bytes", text_of(course, "title")));
    }
    lines
}

/// What a node's stores take of its disk, and what was given up to make room.
fn storage_text(storage: &Value) -> String {
    let disk = disk_text(number_of(storage, "used_bytes"), number_of(storage, "limit_bytes"));
    let given_up: Vec<_> =
        items_of(storage, "given_up").map(|course| text_of(course, "title")).collect();
    match given_up.len() {
        0 => disk,
        count => format!("{disk}; {count} courses given up to make room: {}", given_up.join(", ")),
    }
}

fn disk_text(used: u64, limit: u64) -> String {
    let used = used.div_ceil(MB);
    if limit > 0 {
        format!("{used} of {} MB used", limit.div_ceil(MB))
    } else {
        format!("{used} MB used")
    }
}

/// Queue, silence and clock of a node that this one talks to.
fn peer_text(node: &Value) -> String {
    let contact = match node.get("seconds_since_contact").and_then(Value::as_i64) {
        Some(seconds) => format!("heard of {seconds} s ago"),
        None => "never heard of".to_owned(),
    };
    let clock = match node.get("is_skewed").and_then(Value::as_bool) {
        Some(true) => {
            let skew = node.get("skew_seconds").and_then(Value::as_f64).unwrap_or_default();
            format!(", its clock is off by {skew:.0} s")
        }
        _ => String::new(),
    };
    let (queue, age) = (number_of(node, "queue"), number_of(node, "queue_age_seconds"));
    let waits: Vec<_> = items_of(node, "waits_for_upgrade").filter_map(Value::as_str).collect();
    let upgrade = match waits.is_empty() {
        true => String::new(),
        false => format!(", kept from it until it is upgraded: {}", waits.join(", ")),
    };
    format!("{contact}, {queue} entries to send for {age} s{clock}{upgrade}")
}

/// The queue of batches from below.
fn queue_text(redis: &Value) -> String {
    match redis.get("queue").and_then(Value::as_u64) {
        Some(length) => format!("{length} batches wait to be applied"),
        None => format!("of no help, the node goes on without it: {}", text_of(redis, "problem")),
    }
}

fn items_of<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn number_of(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// A text as a terminal may be given it.
fn text_of(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
    text.chars().filter(|character| !character.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{queue_text, status_lines};

    #[test]
    fn every_part_has_a_line() {
        let peer = json!({ "node": "hub", "url": "http://hub", "seconds_since_contact": 3,
            "queue": 7, "queue_age_seconds": 60, "is_skewed": true, "skew_seconds": -90.0,
            "problem": "no route", "advice": "Wait." });
        let below = json!({ "node": "edge", "seconds_since_contact": null, "conflicts": 1,
            "storage": { "used_bytes": 2_500_000, "limit_bytes": 7_000_000 } });
        let storage =
            json!({ "used_bytes": 1, "limit_bytes": null, "given_up": [{ "title": "Old" }] });
        let status = json!({ "node": "region", "conflicts": 2, "upstream": peer, "nodes": [below],
            "storage": storage,
            "arriving": [{ "title": "A\u{7} course", "have_bytes": 1, "bytes": 2 }],
            "redis": { "queue": 5, "problem": null } });
        let shown = [
            "region  2 conflicts: GET /sync/v1/conflicts lists them",
            "above   hub http://hub  heard of 3 s ago, 7 entries to send for 60 s, its clock is \
             off by -90 s",
            "        no route",
            "        Wait.",
            "disk    1 MB used; 1 courses given up to make room: Old",
            "below   edge  never heard of, 0 entries to send for 0 s, 1 conflicts, 3 of 7 MB used",
            "redis   5 batches wait to be applied",
            "course  A course  1 of 2 bytes",
        ];
        assert_eq!(status_lines(&status), shown);
        assert_eq!(status_lines(&json!({ "node": "hub" })), ["hub  0 conflicts", "above   none"]);
        let down = json!({ "queue": null, "problem": "refused" });
        assert_eq!(queue_text(&down), "of no help, the node goes on without it: refused");
    }
}
