//! Replication over loopback: how fast a backlog goes up, what a round without news costs, and how soon a
//! change is seen above.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hedgeschool_tests::{Client, Link, Node, statement};
use serde_json::{Value, json};

use crate::fill;
use crate::report::{Times, milliseconds, row};

/// Rounds without news.
const ROUNDS: usize = 200;
/// Changes of which it is measured when they are seen.
const CHANGES: usize = 1_000;

/// Measures it all, with a backlog of so many statements.
pub fn measure(backlog: u64) -> Result<()> {
    println!("### Replication over loopback\n\n| what | figure |\n|---|--:|");
    let hub = node("hub")?.variable("bootstrap_nodes", "edge:a-token").start()?;
    let link = Link::to(hub.port())?;
    // Rounds are asked for, until changes are timed.
    let edge = edge(&link.address())?.variable("sync_interval", "24h").start()?;
    link.cut();
    fill::fill(&edge, backlog)?;
    link.restore();
    drain(&edge, &hub, backlog)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let round = tick(&edge.xapi())?;
        ensure!(round.pointer("/problem").is_some_and(Value::is_null), "a round failed: {round}");
        rounds.push(start.elapsed());
    }
    show_times("a round without news", rounds);
    changes(&edge, &hub)
}

fn node(id: &str) -> Result<hedgeschool_tests::Builder> {
    Ok(Node::builder()?.on_disk()?.quiet().variable("node_id", id))
}

fn edge(upstream: &str) -> Result<hedgeschool_tests::Builder> {
    let edge = node("edge")?.variable("upstream_url", upstream);
    Ok(edge.variable("upstream_token", "a-token"))
}

fn tick(client: &Client) -> Result<Value> {
    client.post("/sync/v1/tick", &json!({}))?.expect(200)?.json()
}

fn drain(edge: &Node, hub: &Node, backlog: u64) -> Result<()> {
    let (client, before) = (edge.xapi(), (edge.memory()?, hub.memory()?));
    let start = Instant::now();
    let mut pushed = 0;
    while pushed < backlog {
        let round = tick(&client)?;
        pushed += round.pointer("/pushed").and_then(Value::as_u64).unwrap_or(0);
    }
    let took = start.elapsed();
    let stored = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    ensure!(stored.pointer("/journals/progress") == Some(&json!(backlog)), "the hub has {stored}");
    let rate = backlog as f64 / took.as_secs_f64();
    show(
        &format!("{backlog} statements, first sync"),
        format!("{rate:.0}/s, {:.1} s", took.as_secs_f64()),
    );
    let grown = |now: u64, then: u64| format!("+{} MB", now.saturating_sub(then) >> 20);
    let memory = (grown(edge.memory()?, before.0), grown(hub.memory()?, before.1));
    show("memory of the node, of the hub meanwhile", format!("{}, {}", memory.0, memory.1));
    Ok(())
}

/// Times from the answer to a post at the edge to its being seen at the hub.
fn changes(edge: &Node, hub: &Node) -> Result<()> {
    let (at_edge, at_hub) = (edge.xapi(), hub.xapi());
    let rounds = edge.xapi();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ticker = scope.spawn(|| -> Result<()> {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                rounds.post("/sync/v1/tick?linger=10", &json!({}))?.expect(200)?;
            }
            Ok(())
        });
        let timed = (0..CHANGES).map(|_| seen(&at_edge, &at_hub)).collect::<Result<Vec<_>>>();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        show_times("a change, until it is seen above", timed?);
        ticker.join().map_err(|_| anyhow::anyhow!("the ticker panicked"))?
    })
}

fn seen(at_edge: &Client, at_hub: &Client) -> Result<Duration> {
    let id = statement::new_id();
    statement::post(at_edge, &id)?;
    let (start, address) = (Instant::now(), statement::one(&id));
    while at_hub.get(&address)?.status != 200 {
        ensure!(start.elapsed() < Duration::from_secs(60), "a change is not seen in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(start.elapsed())
}

fn show_times(name: &str, times: Vec<Duration>) {
    let times = Times::new(times);
    let [median, most] = [0.5, 0.99].map(|share| milliseconds(times.percentile(share)));
    show(name, format!("P50 {median}, P99 {most}"));
}

fn show(name: &str, figure: String) {
    println!("{}", row(&[name.to_owned(), figure]));
}
