//! Replication over loopback: how fast a backlog goes up, what a round without news costs, and how
//! soon a change is seen above.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hedgeschool_tests::{Builder, Client, Link, Node, statement};
use serde_json::{Value, json};

use crate::fill;
use crate::report::{Times, milliseconds, row};

/// How long a backlog may take.
const DRAIN_MAX: Duration = Duration::from_secs(1_800);
/// Rounds without news.
const ROUNDS: usize = 200;
/// Changes of which it is measured when they are seen.
const CHANGES: usize = 1_000;

/// Measures it all, with a backlog of so many statements.
pub fn measure(backlog: u64) -> Result<()> {
    println!("### Replication over loopback\n\n| what | figure |\n|---|--:|");
    let pair = Pair::start(|| Ok(Node::builder()?.on_disk()?.quiet()))?;
    pair.fill(backlog)?;
    let before = pair.memory()?;
    let took = pair.drain(backlog)?.as_secs_f64();
    let rate = backlog as f64 / took;
    show(&format!("{backlog} statements, first sync"), format!("{rate:.0}/s, {took:.1} s"));
    let grown = |now: u64, then: u64| format!("+{} MB", now.saturating_sub(then) >> 20);
    let now = pair.memory()?;
    let memory = format!("{}, {}", grown(now.0, before.0), grown(now.1, before.1));
    show("memory of the node, of the hub meanwhile", memory);
    show_times("a round without news", pair.quiet_rounds(ROUNDS)?);
    changes(&pair.edge, &pair.hub)
}

/// A hub and an edge below it, whose rounds are asked for.
pub struct Pair {
    hub: Node,
    edge: Node,
    /// What is between them.
    link: Link,
}

impl Pair {
    /// Starts both, as nodes that `builder` makes.
    pub fn start(builder: impl Fn() -> Result<Builder>) -> Result<Self> {
        let hub = builder()?.variable("node_id", "hub");
        let hub = hub.variable("bootstrap_nodes", "edge:a-token").start()?;
        let link = Link::to(hub.port())?;
        let edge = builder()?.variable("node_id", "edge").variable("sync_interval", "24h");
        let edge = edge.variable("upstream_url", &link.address());
        let edge = edge.variable("upstream_token", "a-token").start()?;
        Ok(Self { hub, edge, link })
    }

    /// Records so many statements at the edge while the link is cut.
    pub fn fill(&self, backlog: u64) -> Result<()> {
        self.link.cut();
        fill::fill(&self.edge, backlog)?;
        self.link.restore();
        Ok(())
    }

    /// How long it takes until the hub has them.
    pub fn drain(&self, backlog: u64) -> Result<Duration> {
        let (client, start) = (self.edge.xapi(), Instant::now());
        let mut pushed = 0;
        while pushed < backlog {
            let round = tick(&client)?;
            ensure!(start.elapsed() < DRAIN_MAX, "{pushed} of {backlog} pushed, then {round}");
            pushed += round.pointer("/pushed").and_then(Value::as_u64).unwrap_or(0);
        }
        let took = start.elapsed();
        let stored = self.hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        let count = stored.pointer("/journals/progress");
        ensure!(count == Some(&json!(backlog)), "the hub has {stored}");
        Ok(took)
    }

    /// How long rounds take that bring no news.
    pub fn quiet_rounds(&self, count: usize) -> Result<Vec<Duration>> {
        let client = self.edge.xapi();
        let rounds = (0..count).map(|_| {
            let start = Instant::now();
            let round = tick(&client)?;
            let problem = round.pointer("/problem");
            ensure!(problem.is_some_and(Value::is_null), "a round failed: {round}");
            Ok(start.elapsed())
        });
        rounds.collect()
    }

    /// Bytes of memory that the edge has now, and the hub.
    fn memory(&self) -> Result<(u64, u64)> {
        Ok((self.edge.memory()?, self.hub.memory()?))
    }
}

fn tick(client: &Client) -> Result<Value> {
    client.post("/sync/v1/tick", &json!({}))?.expect(200)?.json()
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
