//! Everybody's reconnection: many nodes that push their backlogs to one hub at a time, without and
//! with Redis.

use std::fs;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hedgeschool_tests::{Node, Redis, in_parallel, statement};
use serde_json::{Value, json};

use crate::report::{Times, milliseconds, row};

/// Nodes below the hub.
const NODES: usize = 50;
/// Batches of each, and statements of a batch.
const BATCHES: usize = 2;
const STATEMENTS: usize = 500;
/// How often a batch is sent before it counts as refused for good.
const ATTEMPTS: usize = 100;

/// Measures a storm without Redis and one with it.
pub fn measure() -> Result<()> {
    println!("### {NODES} nodes push {BATCHES} batches of {STATEMENTS} statements each\n");
    let names =
        ["", "entries/s", "a batch P50", "P99", "longest", "sent again", "memory of the hub"];
    println!("{}\n|---|--:|--:|--:|--:|--:|--:|", row(&names.map(str::to_owned)));
    storm("without Redis", None)?;
    let redis = Redis::start()?;
    storm("with Redis", Some(&redis))
}

fn storm(name: &str, redis: Option<&Redis>) -> Result<()> {
    let tokens: Vec<_> = (0..NODES).map(|node| format!("edge{node}:token{node}")).collect();
    let hub = Node::builder()?.on_disk()?.quiet().variable("node_id", "hub");
    let hub = hub.variable("bootstrap_nodes", &tokens.join(","));
    let hub = hub.variable("redis_url", &redis.map(Redis::url).unwrap_or_default()).start()?;
    let batches = in_parallel(NODES, &|_| Ok((0..BATCHES).map(batch).collect::<Vec<_>>()))?;
    // Whose token it is, is known when the storm begins: checking a password costs more than a
    // batch.
    in_parallel(NODES, &|node| client(&hub, node).post("/sync/v1/pull", &json!({})).map(drop))?;
    let (before, start, times) = (memory(&hub)?, Instant::now(), Mutex::new(Vec::new()));
    let again = in_parallel(NODES, &|node| {
        let mine = batches.get(node).context("a node without batches")?;
        push(&hub, node, mine, &times)
    })?;
    let took = start.elapsed().as_secs_f64();
    let status = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    let entries = NODES * BATCHES * STATEMENTS;
    ensure!(status.pointer("/journals/progress") == Some(&json!(entries)), "the hub has {status}");
    let times = Times::new(times.into_inner().unwrap_or_default());
    let times = [0.5, 0.99, 1.0].map(|share| milliseconds(times.percentile(share)));
    let memory = format!("+{} MB", memory(&hub)?.saturating_sub(before) >> 20);
    let again: usize = again.iter().sum();
    let figures = [format!("{:.0}", entries as f64 / took)].into_iter().chain(times);
    let figures = [name.to_owned()].into_iter().chain(figures).chain([again.to_string(), memory]);
    println!("{}", row(&figures.collect::<Vec<_>>()));
    Ok(())
}

fn client(hub: &Node, node: usize) -> hedgeschool_tests::Client {
    hub.anonymous().with_header("authorization", &format!("Bearer token{node}"))
}

/// The entries of a batch: the number says which.
fn batch(number: usize) -> Vec<Value> {
    let first = number * STATEMENTS;
    let entry = |at: usize| json!({ "sequence": at + 1, "kind": "statement", "payload": statement::recorded() });
    (first..first + STATEMENTS).map(entry).collect()
}

/// Sends a node's batches, one after the other; answers how many had to be sent again.
fn push(
    hub: &Node,
    node: usize,
    batches: &[Vec<Value>],
    times: &Mutex<Vec<Duration>>,
) -> Result<usize> {
    let client = client(hub, node);
    let mut before = json!({ "through": { "sequence": 0, "receipt": "" } });
    let mut again = 0;
    for entries in batches {
        let after = before.pointer("/through/sequence").cloned();
        let message = json!({ "node": format!("edge{node}"), "journal": "progress", "epoch": "e",
            "lane": "backlog", "after": after, "before": before, "receipt": "r", "entries": entries });
        let start = Instant::now();
        let answer = loop {
            let answer = client.post("/sync/v1/entries", &message)?;
            match answer.status.as_u16() {
                200 => break answer.json()?,
                429 | 503 if again < ATTEMPTS => again += 1,
                other => bail!("the hub answers {other}: {}", answer.text()),
            }
            thread::sleep(Duration::from_secs(answer.header("retry-after").parse().unwrap_or(1)));
        };
        before = answer.get("position").cloned().context("no position")?;
        times.lock().map_err(|_| anyhow::anyhow!("a thread panicked"))?.push(start.elapsed());
    }
    Ok(again)
}

/// The most that a node's process has had resident, in bytes.
fn memory(node: &Node) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", node.process_id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kilobytes.context("no VmHWM")? << 10)
}
