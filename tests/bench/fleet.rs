//! What a fleet costs its hub: the requests of nodes that have nothing to say, or little.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use hedgeschool_replication::wire::{
    Batch, Bookmark, Cursor, ENTRIES_PATH, Entry, Health, PULL_PATH, Pull, Pulled,
};
use hedgeschool_replication::{Checkpoint, Lane, Position, Stamp};
use hedgeschool_tests::{Client, Node};
use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::value::RawValue;

use crate::meter::Meter;
use crate::report::{Times, milliseconds, row};
use crate::target::Target;
use crate::traffic::{Traffic, fresh};

/// Nodes below the hub.
const NODES: u64 = 300;
const JOURNALS: [&str; 3] = ["identity", "content", "progress"];
const EPOCH: &str = "00112233445566778899aabbccddeeff";
/// For how long all of them wait for news.
const WAITING: Duration = Duration::from_secs(10);
/// What a pull asks to wait.
const WAIT: Duration = Duration::from_secs(5);

/// Measures it all.
pub fn measure(meter: &Meter) -> Result<()> {
    let nodes: Vec<_> = (0..NODES).map(|node| format!("{}:{}", name(node), token(node))).collect();
    let builder = Node::builder()?.on_disk()?.quiet().variable("node_id", "hub");
    let hub = builder.variable("bootstrap_nodes", &nodes.join(",")).start()?;
    println!("### A hub of {NODES} nodes\n");
    // Each has been told of the journals itself: a hub knows how far.
    let known: Vec<_> = (0..NODES).map(|node| bookmarks(&hub, node)).collect::<Result<_>>()?;
    waiting(&hub, &known)?;
    println!("\n| what | connections | rate | processor time of the hub |\n|---|--:|--:|--:|");
    let known: Vec<_> = (0..NODES).map(|node| bookmarks(&hub, node)).collect::<Result<_>>()?;
    cost(&hub, meter, "a pull without news", 8, &pulls(&hub, known))?;
    for (entries, connections) in [(1, 12), (2, 12), (500, 4)] {
        let what = format!("a batch of {entries}");
        cost(&hub, meter, &what, connections, &batches(&hub, entries))?;
    }
    println!();
    Ok(())
}

/// How many requests the hub answers, and what it works for each.
fn cost(hub: &Node, meter: &Meter, what: &str, connections: u32, target: &Target) -> Result<()> {
    // The first requests start instances and warm caches.
    meter.rate(connections, target)?;
    let (start, before) = (Instant::now(), hub.processor_time()?);
    let rate = meter.rate(connections, target)?;
    let worked = (hub.processor_time()? - before).as_secs_f64();
    let each = worked / (rate * start.elapsed().as_secs_f64());
    let each = milliseconds(Duration::from_secs_f64(each));
    println!("{}", row(&[what.to_owned(), connections.to_string(), format!("{rate:.0}/s"), each]));
    Ok(())
}

fn name(node: u64) -> String {
    format!("node-{node}")
}

fn token(node: u64) -> String {
    format!("token-of-{node}")
}

/// A pull of a node that knows everything.
fn pull(node: u64, known: &BTreeMap<String, Bookmark>, wait: Duration) -> Pull {
    let cursor = |journal: &str| Cursor {
        epoch: EPOCH.to_owned(),
        feed: known.get(journal).cloned(),
        heard: Vec::new(),
        held: None,
        follows: 0,
    };
    Pull {
        node: name(node),
        serves: BTreeSet::new(),
        now: now(),
        health: Health::default(),
        journals: JOURNALS.iter().map(|name| ((*name).to_owned(), cursor(name))).collect(),
        wait_ms: wait.as_millis() as u64,
    }
}

/// Where the hub's journals end.
fn bookmarks(hub: &Node, node: u64) -> Result<BTreeMap<String, Bookmark>> {
    asked(&client(hub, node), &pull(node, &BTreeMap::new(), Duration::ZERO))
}

/// Where the answer to a pull leads.
fn asked(client: &Client, pull: &Pull) -> Result<BTreeMap<String, Bookmark>> {
    let answer = client.post(PULL_PATH, &serde_json::to_value(pull)?)?.expect(200)?;
    let pulled: Pulled = serde_json::from_slice(&answer.body)?;
    Ok(pulled.journals.into_iter().map(|(name, feed)| (name, feed.page.bookmark)).collect())
}

fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_micros() as Stamp
}

fn client(hub: &Node, node: u64) -> Client {
    hub.anonymous().with_header("authorization", &format!("Bearer {}", token(node)))
}

fn request(path: &'static str, node: u64, body: Vec<u8>) -> Request<Full<Bytes>> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::HOST, "hub")
        .header(header::AUTHORIZATION, format!("Bearer {}", token(node)))
        .header(header::CONTENT_TYPE, "application/json");
    request.body(Full::new(Bytes::from(body))).unwrap_or_default()
}

/// Pulls of one node after the other.
fn pulls(hub: &Node, known: Vec<BTreeMap<String, Bookmark>>) -> Target {
    let next = AtomicU64::new(0);
    Target::of(hub).asked(move || {
        let node = next.fetch_add(1, Ordering::Relaxed) % NODES;
        let known = known.get(node as usize).cloned().unwrap_or_default();
        let body = serde_json::to_vec(&pull(node, &known, Duration::ZERO));
        request(PULL_PATH, node, body.unwrap_or_default())
    })
}

/// Batches of one node after the other, each of which goes on where that node's last one ended.
fn batches(hub: &Node, entries: u64) -> Target {
    let (next, first) = (AtomicU64::new(0), fresh());
    let epoch = format!("{first:032x}");
    Target::of(hub).asked(move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (node, turn) = (number % NODES, number / NODES);
        let statements = first + node * (1 << 30);
        let body = serde_json::to_vec(&batch(node, &epoch, statements, turn * entries, entries));
        request(ENTRIES_PATH, node, body.unwrap_or_default())
    })
}

fn batch(node: u64, epoch: &str, statements: u64, after: u64, count: u64) -> Batch {
    let entry = |sequence: u64| {
        let statement = Traffic { size: 1_000_000 }.statement(statements + sequence);
        let payload = RawValue::from_string(recorded(&statement)).unwrap_or_default();
        Entry { sequence, kind: "statement".to_owned(), payload }
    };
    let token_of =
        |sequence: u64| if sequence > 0 { format!("r{sequence}") } else { String::new() };
    let through = Checkpoint { sequence: after, token: token_of(after) };
    Batch {
        node: name(node),
        journal: "progress".to_owned(),
        epoch: epoch.to_owned(),
        before: Position { through, fresh: None },
        lane: Lane::Backlog,
        after,
        above: None,
        heard: Vec::new(),
        token: token_of(after + count),
        entries: (after + 1..=after + count).map(entry).collect(),
    }
}

/// A statement as a node below has recorded it.
fn recorded(statement: &str) -> String {
    let open = statement.strip_suffix('}').unwrap_or(statement);
    let authority =
        r#"{"objectType":"Agent","account":{"homePage":"https://example.org","name":"lab"}}"#;
    format!(
        r#"{open},"timestamp":"2026-11-25T10:31:07.123Z","version":"1.0.3","authority":{authority}}}"#
    )
}

/// All nodes wait for news that do not come, and one has something to say now and then.
fn waiting(hub: &Node, known: &[BTreeMap<String, Bookmark>]) -> Result<()> {
    let (start, before) = (Instant::now(), hub.processor_time()?);
    let (waited, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut batches = Vec::new();
    thread::scope(|scope| -> Result<()> {
        for (node, known) in (0..NODES - 1).zip(known) {
            let (client, mut known) = (client(hub, node), known.clone());
            let (waited, answered) = (&waited, &answered);
            scope.spawn(move || -> Result<()> {
                while start.elapsed() < WAITING {
                    let began = Instant::now();
                    known = asked(&client, &pull(node, &known, WAIT))?;
                    answered.fetch_add(1, Ordering::Relaxed);
                    if began.elapsed() < WAIT / 2 {
                        thread::sleep(Duration::from_millis(500));
                    } else {
                        waited.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            });
        }
        let (node, first) = (NODES - 1, fresh());
        let epoch = format!("{first:032x}");
        for turn in 0.. {
            if start.elapsed() > WAITING {
                break;
            }
            let asked = Instant::now();
            // As text: an entry is known by its bytes.
            let body = serde_json::to_vec(&batch(node, &epoch, first, turn, 1))?;
            let body = Some(("application/json", body.as_slice()));
            client(hub, node).send(Method::POST, ENTRIES_PATH, body)?.expect(200)?;
            batches.push(asked.elapsed());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })?;
    let took = start.elapsed().as_secs_f64();
    let rate = answered.load(Ordering::Relaxed) as f64 / took;
    let share = waited.load(Ordering::Relaxed) as f64 / answered.load(Ordering::Relaxed) as f64;
    let busy = (hub.processor_time()? - before).as_secs_f64() / took;
    let times = Times::new(batches);
    let [median, most] = [0.5, 0.99].map(|share| milliseconds(times.percentile(share)));
    println!("| all {NODES} nodes ask for news, and there are none | |\n|---|--:|");
    let show = |what: &str, figure: String| println!("{}", row(&[what.to_owned(), figure]));
    show("pulls answered", format!("{rate:.0}/s, {:.0} % of them after waiting", share * 100.0));
    show("processor time of the hub", format!("{:.0} % of a core", busy * 100.0));
    show("a batch of one entry meanwhile", format!("P50 {median}, P99 {most}"));
    Ok(())
}
