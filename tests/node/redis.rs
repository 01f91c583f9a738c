//! A hub with Redis: batches go through a queue, and nothing depends on it. An edge with Redis: it
//! is woken up.

use std::collections::HashSet;
use std::thread;

use ::redis::{Cmd, cmd};
use anyhow::{Context, Result, ensure};
use hedgeschool_tests::{
    Builder, Client, Link, Node, Redis, course, eventually, is_own_host, repository, statement,
};
use http::Method;
use serde_json::{Value, json};

use crate::replication::arrive;

const STREAM: &str = "hedgeschool:hub:ingest";
const GROUP: &str = "hub";
const COURSES: &str = "/content/v1/courses";
/// As many batches as may wait: `QUEUE_MAX` of `components/sync`.
const QUEUE_MAX: usize = 128;

fn hub(redis: &Redis) -> Result<Node> {
    let hub = Node::builder()?.variable("node_id", "hub").variable("redis_url", &redis.url());
    hub.variable("bootstrap_nodes", "edge1:token1,edge2:token2").start()
}

fn edge(upstream: &str, interval: &str) -> Result<Builder> {
    let edge = Node::builder()?.variable("node_id", "edge1").variable("upstream_token", "token1");
    Ok(edge.variable("upstream_url", upstream).variable("sync_interval", interval))
}

/// Posts some statements at a node.
fn post(edge: &Node, ids: &mut HashSet<String>) -> Result<()> {
    let new: Vec<_> = (0..50).map(|_| statement::new_id()).collect();
    let batch: Vec<_> = new.iter().map(|id| statement::experienced(id)).collect();
    edge.xapi().post("/xapi/statements", &json!(batch))?.expect(200)?;
    ids.extend(new);
    Ok(())
}

fn length(redis: &Redis) -> Result<usize> {
    redis.ask(cmd("XLEN").arg(STREAM))
}

/// How many batches have been in the queue since Redis started, or was flushed.
fn queued(redis: &Redis) -> Result<u64> {
    let exists: bool = redis.ask(cmd("EXISTS").arg(STREAM))?;
    if !exists {
        return Ok(0);
    }
    let facts: Vec<redis::Value> = redis.ask(cmd("XINFO").arg("STREAM").arg(STREAM))?;
    let named =
        |pair: &&[redis::Value]| pair[0] == redis::Value::BulkString(b"entries-added".into());
    let added = facts.chunks(2).find(named).context("no entries-added")?;
    Ok(redis::from_redis_value(added[1].clone())?)
}

/// Posts until the queue is used, whatever it was before.
fn is_used_again(redis: &Redis, edge: &Node, ids: &mut HashSet<String>, hub: &Node) -> Result<()> {
    let before = queued(redis)?;
    eventually("the queue is used", || {
        post(edge, ids)?;
        arrive(ids, hub)?;
        Ok((queued(redis)? > before).then_some(()))
    })
}

/// An entry of a statement, as it travels.
fn entry(sequence: u64) -> Value {
    json!({ "sequence": sequence, "kind": "statement", "payload": statement::recorded() })
}

/// The receipt of a batch that ends at a sequence.
fn receipt(sequence: u64) -> String {
    if sequence == 0 { String::new() } else { format!("r{sequence}") }
}

/// A batch of one entry, which follows another one.
fn batch(node: &str, after: u64, entry: &Value) -> Value {
    json!({ "node": node, "journal": "progress", "epoch": "e0", "lane": "backlog", "after": after,
        "before": { "through": { "sequence": after, "receipt": receipt(after) } },
        "receipt": receipt(after + 1),
        "entries": [entry] })
}

fn node(hub: &Node, token: &str) -> Client {
    hub.anonymous().with_header("authorization", &format!("Bearer {token}"))
}

fn send(client: &Client, batch: &Value) -> Result<hedgeschool_tests::Response> {
    client.post("/sync/v1/entries", batch)
}

/// Adds a batch to the queue, as a hub does.
fn add(redis: &Redis, batch: &Value) -> Result<String> {
    redis.ask(cmd("XADD").arg(STREAM).arg("*").arg("batch").arg(batch.to_string()))
}

#[test]
fn batches_go_through_the_queue_and_leave_it() -> Result<()> {
    let redis = Redis::start()?;
    let hub = hub(&redis)?;
    let edge = edge(&hub.address(), "200ms")?.start()?;
    let mut ids = HashSet::new();
    post(&edge, &mut ids)?;
    arrive(&ids, &hub)?;
    ensure!(queued(&redis)? > 0, "the batches did not go through the queue");
    assert_eq!(length(&redis)?, 0);
    let status = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    assert_eq!(status["redis"], json!({ "queue": 0, "problem": null, "last_problem": null }));
    let without = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    assert_eq!(without["redis"], json!(null));
    Ok(())
}

#[test]
fn a_hub_whose_redis_fails_goes_on_without_it_and_then_with_it() -> Result<()> {
    let mut redis = Redis::start()?;
    let hub = hub(&redis)?;
    let edge = edge(&hub.address(), "200ms")?.start()?;
    let mut ids = HashSet::new();
    is_used_again(&redis, &edge, &mut ids, &hub)?;

    redis.kill()?;
    post(&edge, &mut ids)?;
    arrive(&ids, &hub)?;
    let status = hub.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    for problem in [&status["redis"]["problem"], &status["redis"]["last_problem"]["problem"]] {
        ensure!(problem.is_string(), "{status}");
    }
    redis.restart()?;
    is_used_again(&redis, &edge, &mut ids, &hub)?;

    redis.pause()?;
    post(&edge, &mut ids)?;
    arrive(&ids, &hub)?;
    redis.resume()?;
    is_used_again(&redis, &edge, &mut ids, &hub)
}

#[test]
fn whatever_happens_to_redis_under_load_each_statement_arrives_once() -> Result<()> {
    let mut redis = Redis::start()?;
    let hub = hub(&redis)?;
    let link = Link::to(hub.port())?;
    link.cut();
    let edge = edge(&link.address(), "200ms")?.start()?;
    let mut ids = HashSet::new();
    for round in 0..4 {
        // A backlog, so that batches are underway.
        for _ in 0..60 {
            post(&edge, &mut ids)?;
        }
        let before = queued(&redis)?;
        link.restore();
        eventually("batches are in the queue", || Ok((queued(&redis)? > before).then_some(())))?;
        match round {
            0 => drop(redis.ask::<String>(&cmd("FLUSHALL"))?),
            1 => redis.kill()?,
            2 => redis.pause()?,
            _ => drop(redis.ask::<i64>(cmd("DEL").arg(STREAM))?),
        }
        arrive(&ids, &hub)?;
        match round {
            1 => redis.restart()?,
            2 => redis.resume()?,
            _ => {}
        }
        is_used_again(&redis, &edge, &mut ids, &hub)?;
        link.cut();
    }
    Ok(())
}

#[test]
fn a_full_queue_refuses_for_a_moment_and_is_worked_off() -> Result<()> {
    let redis = Redis::start()?;
    let hub = hub(&redis)?;
    let first = batch("edge1", 0, &entry(1));
    for _ in 0..QUEUE_MAX {
        add(&redis, &first)?;
    }
    let second = batch("edge1", 1, &entry(2));
    let refused = send(&node(&hub, "token1"), &second)?.expect(429)?;
    let seconds: u64 = refused.header("retry-after").parse()?;
    ensure!((1..=5).contains(&seconds), "come again in {seconds} s?");
    ensure!(length(&redis)? < QUEUE_MAX, "nothing was done meanwhile");
    let answer = send(&node(&hub, "token1"), &second)?.expect(200)?.json()?;
    assert_eq!(answer["position"]["through"]["sequence"], json!(2));
    assert_eq!((length(&redis)?, statement::count(&hub.xapi())?), (0, 2));
    Ok(())
}

#[test]
fn what_a_consumer_took_that_died_is_taken_over() -> Result<()> {
    let redis = Redis::start()?;
    let hub = hub(&redis)?;
    let orphan = add(&redis, &batch("edge1", 0, &entry(1)))?;
    let group = |words: &[&str]| -> Cmd {
        let mut command = Cmd::new();
        command.arg(words);
        command
    };
    let create = group(&["XGROUP", "CREATE", STREAM, GROUP, "0"]);
    let _: redis::Value = redis.ask(&create)?;
    let read = group(&["XREADGROUP", "GROUP", GROUP, "dead", "STREAMS", STREAM, ">"]);
    let _: redis::Value = redis.ask(&read)?;
    // As if a minute had passed.
    let idle = group(&["XCLAIM", STREAM, GROUP, "dead", "0", &orphan, "IDLE", "60000"]);
    let _: redis::Value = redis.ask(&idle)?;

    send(&node(&hub, "token2"), &batch("edge2", 0, &entry(1)))?.expect(200)?;
    assert_eq!((length(&redis)?, statement::count(&hub.xapi())?), (0, 2));
    Ok(())
}

#[test]
fn a_batch_that_overtook_another_one_waits_for_it() -> Result<()> {
    let redis = Redis::start()?;
    let hub = hub(&redis)?;
    let (first, second) = (batch("edge1", 0, &entry(1)), batch("edge1", 1, &entry(2)));
    thread::scope(|scope| {
        let overtaking = scope.spawn(|| send(&node(&hub, "token1"), &second));
        eventually("it is in the queue", || Ok((queued(&redis)? > 0).then_some(())))?;
        send(&node(&hub, "token1"), &first)?.expect(200)?;
        let answer = overtaking.join().ok().context("a panic")??.expect(200)?.json()?;
        assert_eq!(answer["position"]["through"]["sequence"], json!(2));
        anyhow::Ok(())
    })?;
    // Without the one before it there is no use in waiting for long.
    let late = batch("edge1", 7, &entry(8));
    let answer = send(&node(&hub, "token1"), &late)?.expect(409)?.json()?;
    assert_eq!(answer["position"]["through"]["sequence"], json!(2));
    assert_eq!((length(&redis)?, statement::count(&hub.xapi())?), (0, 2));
    Ok(())
}

#[test]
fn what_is_refused_without_a_queue_is_refused_with_it() -> Result<()> {
    let redis = Redis::start()?;
    let hub = hub(&redis)?;
    let client = node(&hub, "token1");
    let of = |kind: &str, payload: Value| {
        batch("edge1", 0, &json!({ "sequence": 1, "kind": kind, "payload": payload }))
    };
    send(&hub.anonymous(), &of("statement", statement::recorded()))?.expect(401)?;
    send(&client, &batch("edge2", 0, &entry(1)))?.expect(403)?;
    ensure!(queued(&redis)? == 0, "a refused batch is in the queue");
    let refused = send(&client, &of("poem", json!("hedge")))?.expect(400)?;
    ensure!(refused.detail()?.contains("poem"), "{}", refused.text());
    // Whatever else gets into the queue is thrown away.
    add(&redis, &json!({ "no": "batch" }))?;
    send(&client, &of("statement", statement::recorded()))?.expect(200)?;
    assert_eq!((length(&redis)?, statement::count(&hub.xapi())?), (0, 1));
    Ok(())
}

#[test]
fn a_change_wakes_a_node_up_that_would_sleep_for_an_hour() -> Result<()> {
    if !is_own_host() {
        // Other hosts have no ticker to wake up.
        return Ok(());
    }
    let mut redis = Redis::start()?;
    let hub = Node::builder()?.variable("node_id", "hub");
    let hub = hub.variable("bootstrap_nodes", "edge1:token1").start()?;
    let link = Link::to(hub.port())?;
    let edge = edge(&link.address(), "1h")?.variable("redis_url", &redis.url());
    let edge = edge.start()?;
    let mut ids = HashSet::new();
    for _ in 0..2 {
        link.cut();
        eventually("a round has failed", || {
            let status = edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
            Ok(status["upstream"]["problem"].is_string().then_some(()))
        })?;
        link.restore();
        post(&edge, &mut ids)?;
        arrive(&ids, &hub)?;
        // The second time over a connection that the node has made anew.
        redis.kill()?;
        redis.restart()?;
        let listening = || {
            let listeners: (String, usize) =
                redis.ask(cmd("PUBSUB").arg("NUMSUB").arg("hedgeschool:edge1:changed"))?;
            Ok((listeners.1 > 0).then_some(()))
        };
        eventually("the node listens again", listening)?;
    }
    Ok(())
}

#[test]
fn answers_are_kept_in_redis_and_never_used_when_they_are_of_the_past() -> Result<()> {
    let mut redis = Redis::start()?;
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("runtime-config.toml");
    let shown = std::fs::read_to_string(repository("runtime-config.redis.toml"))?;
    ensure!(shown.contains("redis://127.0.0.1:6379"));
    std::fs::write(&config, shown.replace("redis://127.0.0.1:6379", &redis.url()))?;
    let node = Node::builder()?.variable("redis_url", &redis.url()).runtime_config(&config);
    let node = node.variable("node_id", "hub").start()?;
    let publish = |id: &str| -> Result<()> {
        let package = course::package(id, "A course")?;
        let zip = Some(("application/zip", package.as_slice()));
        node.admin().send(Method::POST, COURSES, zip)?.expect(201)?;
        Ok(())
    };
    let listed = || -> Result<String> { Ok(node.admin().get(COURSES)?.expect(200)?.text()) };
    publish("https://example.org/one")?;
    let one = listed()?;
    let key = "hedgeschool:hub:courses:";
    let kept = || -> Result<Option<String>> { redis.ask(cmd("GET").arg(key)) };
    let kept = eventually("the page is kept", kept)?;
    // What is there is used ...
    let other = kept.replace("A course", "Another");
    let _: String = redis.ask(cmd("SET").arg(key).arg(&other))?;
    assert_eq!(listed()?, one.replace("A course", "Another"));
    // ... until there is something new.
    publish("https://example.org/two")?;
    let two = listed()?;
    ensure!(two.contains("https://example.org/two") && !two.contains("Another"), "{two}");
    redis.kill()?;
    assert_eq!(listed()?, two);
    redis.restart()?;
    let kept = || -> Result<Option<String>> {
        assert_eq!(listed()?, two);
        redis.ask(cmd("GET").arg(key))
    };
    eventually("the page is kept again", kept)?;
    Ok(())
}
