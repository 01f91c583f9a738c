//! A large course on its way to nodes below: how long it takes, near and far, and what else waits
//! meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::course::{self, Large};
use hedgeschool_tests::{Builder, Link, Node, eventually, statement};

use crate::distance;
use crate::report::{Times, milliseconds, row};

/// How far away the far node is: half a round trip.
const ONE_WAY: Duration = Duration::from_millis(50);
/// The pause between changes that are timed.
const PAUSE: Duration = Duration::from_millis(20);

/// Measures it all, with a course of so many bytes.
pub fn measure(bytes: u64) -> Result<()> {
    println!("### A course of {} MB\n\n| what | figure |\n|---|--:|", bytes / 1_000_000);
    // An import is one request.
    let hub = node("hub")?.argument("--request-timeout=10m");
    let hub = hub.variable("bootstrap_nodes", "near:token-of-near,far:token-of-far").start()?;
    let large = course::large("https://example.org/large", bytes)?;
    let start = Instant::now();
    large.import(&hub.admin().with_timeout(Duration::from_secs(600)))?;
    show("imported", rate(large.bytes, start.elapsed()));
    let link = Link::to(hub.port())?;
    let near = edge("near", &link.address())?;
    fetched("over loopback", &large, &near, &hub)?;
    show("bytes over the link", link.carried().to_string());
    drop(near);
    let far = edge("far", &distance::to(hub.port(), ONE_WAY)?)?;
    fetched("over a link with a round trip of 100 ms", &large, &far, &hub)
}

fn node(id: &str) -> Result<Builder> {
    Ok(Node::builder()?.on_disk()?.quiet().variable("node_id", id))
}

fn edge(id: &str, upstream: &str) -> Result<Node> {
    let edge = node(id)?.variable("upstream_url", upstream).variable("sync_interval", "1s");
    edge.variable("upstream_token", &format!("token-of-{id}")).start()
}

/// What was seen while a course was on its way.
#[derive(Default)]
struct Seen {
    /// Times of posts at the edge, which learners wait for.
    posts: Vec<Duration>,
    /// Times until what was posted there was seen at the hub.
    changes: Vec<Duration>,
}

fn fetched(how: &str, large: &Large, edge: &Node, hub: &Node) -> Result<()> {
    let (start, is_over) = (Instant::now(), AtomicBool::new(false));
    let busy = || Ok::<_, anyhow::Error>([edge.processor_time()?, hub.processor_time()?]);
    let before = busy()?;
    let (memory, seen) = thread::scope(|scope| {
        let meanwhile = scope.spawn(|| -> Result<Seen> {
            let mut seen = Seen::default();
            while !is_over.load(Ordering::Relaxed) {
                change(edge, hub, &mut seen)?;
                thread::sleep(PAUSE);
            }
            Ok(seen)
        });
        let memory = await_course(large, edge, hub);
        is_over.store(true, Ordering::Relaxed);
        let seen = meanwhile.join().ok().context("the one who changes things panicked")?;
        Ok::<_, anyhow::Error>((memory?, seen?))
    })?;
    let took = start.elapsed();
    let ([edge_then, hub_then], [edge_now, hub_now]) = (before, busy()?);
    let busy = [edge_now.saturating_sub(edge_then), hub_now.saturating_sub(hub_then)];
    large.check(edge)?;
    show(how, rate(large.bytes, took));
    let megabytes = |bytes: u64| format!("{} MB", bytes >> 20);
    show("… memory of the node, of the hub", memory.map(megabytes).join(", "));
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    show("… processor time of the node, of the hub", busy.map(seconds).join(", "));
    show_times("… a change at the node, until it is seen at the hub", seen.changes);
    show_times("… a statement at the node", seen.posts);
    Ok(())
}

/// Waits for the course; answers the most memory that either node had.
fn await_course(large: &Large, edge: &Node, hub: &Node) -> Result<[u64; 2]> {
    let mut memory = [0; 2];
    eventually("the course arrives", || {
        let [one, other] = memory;
        memory = [one.max(edge.memory()?), other.max(hub.memory()?)];
        Ok(large.find(&edge.admin())?.map(drop))
    })?;
    Ok(memory)
}

/// Posts a statement at the edge and waits until it is at the hub.
fn change(edge: &Node, hub: &Node, seen: &mut Seen) -> Result<()> {
    let id = statement::new_id();
    let start = Instant::now();
    statement::post(&edge.xapi(), &id)?;
    seen.posts.push(start.elapsed());
    let (start, address, hub) = (Instant::now(), statement::one(&id), hub.xapi());
    while hub.get(&address)?.status != 200 {
        ensure!(start.elapsed() < Duration::from_secs(60), "a change is not seen in a minute");
        thread::sleep(Duration::from_millis(2));
    }
    seen.changes.push(start.elapsed());
    Ok(())
}

fn rate(bytes: u64, took: Duration) -> String {
    let rate = bytes as f64 / 1e6 / took.as_secs_f64();
    format!("{:.1} s, {rate:.0} MB/s", took.as_secs_f64())
}

fn show_times(name: &str, times: Vec<Duration>) {
    let count = times.len();
    let times = Times::new(times);
    let [median, most] = [0.5, 0.99].map(|share| milliseconds(times.percentile(share)));
    show(name, format!("P50 {median}, P99 {most} of {count}"));
}

fn show(name: &str, figure: String) {
    println!("{}", row(&[name.to_owned(), figure]));
}
