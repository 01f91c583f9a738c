//! A large course comes down a link that is slow, and cut again and again: each byte once, the
//! course when it is whole, and everything else goes on meanwhile.
//!
//! `HEDGE_TEST_COURSE_BYTES` says how large a course (60,000,000 bytes unless it does); from
//! 1,000,000,000 on, the link carries 40 MB/s and is cut every five seconds instead of 20 MB/s and
//! every second.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, ensure};
use hedgeschool_tests::course::Large;
use hedgeschool_tests::{Link, Node, course, is_own_host, statement};
use serde_json::json;

use crate::tree::{completed, has, learner, node, people, soon, under};

/// What may come again after each cut: a request stores what came in steps of this size. Bytes.
const CHUNK: u64 = 1 << 20;
/// Heads of requests and answers, lists of files, rounds without news: of all bytes, in percent.
const OVERHEAD_PERCENT: u64 = 1;
/// For how long the link is cut.
const OUTAGE: Duration = Duration::from_millis(50);
/// The most memory that either node may have while the course is underway. An import holds the
/// archive.
const MEMORY_MAX: u64 = 300 << 20;

/// A hub with a large course, and an edge below it that has not heard of it yet.
struct World {
    hub: Node,
    edge: Node,
    link: Link,
    large: Large,
}

impl World {
    fn new(bytes: u64, bytes_per_second: u64) -> Result<Self> {
        Self::with(course::large("https://example.org/large", bytes)?, bytes_per_second)
    }

    fn with(large: Large, bytes_per_second: u64) -> Result<Self> {
        let mut hub = node("hub", &["edge"])?.on_disk()?;
        if is_own_host() {
            // An import is one request, which other tests slow down.
            hub = hub.argument("--request-timeout=10m");
        }
        let hub = hub.start()?;
        large.import(&hub.admin().with_timeout(Duration::from_secs(600)))?;
        let link = Link::to(hub.port())?;
        link.limit(bytes_per_second);
        let edge = under(node("edge", &[])?.on_disk()?, "edge", &link.address()).start()?;
        Ok(Self { hub, edge, link, large })
    }

    fn has_arrived(&self) -> Result<bool> {
        Ok(self.large.find(&self.edge.admin())?.is_some())
    }

    /// Waits until some bytes are carried.
    fn carry(&self, bytes: u64) -> Result<()> {
        soon("bytes come", || Ok(self.link.carried() >= bytes))
    }
}

#[test]
fn a_course_comes_down_a_link_that_is_cut_again_and_again_each_byte_once() -> Result<()> {
    let bytes = env::var("HEDGE_TEST_COURSE_BYTES").unwrap_or_else(|_| "60000000".to_owned());
    let bytes = bytes.parse().context("HEDGE_TEST_COURSE_BYTES is a whole number")?;
    let is_full = bytes >= 1_000_000_000;
    let (rate, every) = if is_full { (40_000_000, 5_000) } else { (20_000_000, 1_000) };
    let world = World::new(bytes, rate)?;
    let (cuts, memory, start) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                thread::sleep(Duration::from_millis(every));
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                world.link.cut();
                cuts.fetch_add(1, Ordering::SeqCst);
                thread::sleep(OUTAGE);
                world.link.restore();
            }
        });
        let arrived = soon("the course arrives", || {
            for node in [&world.hub, &world.edge] {
                memory.fetch_max(node.memory()?, Ordering::SeqCst);
            }
            world.has_arrived()
        });
        is_over.store(true, Ordering::SeqCst);
        arrived
    })?;
    let (took, carried, cuts) = (start.elapsed(), world.link.carried(), cuts.into_inner());
    let memory = memory.into_inner();
    println!(
        "{} bytes in {took:?}, {carried} over the link, {cuts} cuts; {} MB of memory at most",
        world.large.bytes,
        memory >> 20
    );
    world.large.check(&world.edge)?;
    let most = world.large.bytes * (100 + OVERHEAD_PERCENT) / 100 + cuts * CHUNK;
    ensure!(carried <= most, "{carried} bytes were carried, {most} at most are needed");
    ensure!(!is_own_host() || memory < MEMORY_MAX, "a node has {} MB", memory >> 20);
    Ok(())
}

#[test]
fn a_course_arrives_whoever_is_killed_and_whatever_is_damaged_on_the_way() -> Result<()> {
    let mut world = World::new(30_000_000, 10_000_000)?;
    world.carry(5_000_000)?;
    world.link.spoil();
    world.carry(10_000_000)?;
    world.edge.kill()?;
    ensure!(world.link.carried() < world.large.bytes, "the course is there already");
    world.edge.restart()?;
    ensure!(!world.has_arrived()?, "a course shows that is not whole");
    world.carry(20_000_000)?;
    world.hub.kill()?;
    world.hub.restart()?;
    soon("the course arrives", || world.has_arrived())?;
    world.large.check(&world.edge)?;
    let is_logged = world.edge.log().contains("is not what its hash says");
    ensure!(is_logged || !is_own_host(), "what was damaged is not logged");
    // Who is killed loses what it had not stored of each request, and what was on its way.
    let most = world.large.bytes + 20_000_000;
    ensure!(world.link.carried() < most, "{} bytes were carried", world.link.carried());
    Ok(())
}

#[test]
fn other_news_travels_while_a_course_is_underway() -> Result<()> {
    let world = World::new(40_000_000, 4_000_000)?;
    world.carry(4_000_000)?;
    let passed = completed("ana", "https://example.org/a-unit");
    statement::store(&world.edge.xapi(), &passed)?;
    world.hub.admin().post("/auth/people", &learner("ben"))?.expect(201)?;
    soon("news passes both ways", || {
        Ok(has(&world.hub, &passed)? && people(&world.edge)?.contains_key("ben"))
    })?;
    ensure!(!world.has_arrived()?, "the news came after the course");
    let status = world.edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
    let arriving = &status["arriving"][0];
    assert_eq!(arriving["id"], json!(world.large.id));
    let have = arriving["have_bytes"].as_u64().context("how much is there")?;
    ensure!(have > 0 && have < world.large.bytes, "{have} bytes are there");
    world.link.limit(0);
    soon("the course arrives", || world.has_arrived())?;
    world.large.check(&world.edge)
}

#[test]
fn a_course_of_as_many_files_as_there_may_be_arrives_in_pieces_of_many() -> Result<()> {
    let world = World::with(course::scattered("https://example.org/scattered", 20_000)?, 0)?;
    soon("the course arrives", || world.has_arrived())?;
    world.large.check_some(&world.edge, 500)
}

#[test]
fn a_course_whose_bytes_are_all_here_shows_without_the_link() -> Result<()> {
    let world = World::new(100_000_000, 0)?;
    soon("all bytes come", || {
        let status = world.edge.admin().get("/sync/v1/status")?.expect(200)?.json()?;
        let arriving = &status["arriving"][0];
        let is_here = !arriving.is_null() && arriving["have_bytes"] == arriving["bytes"];
        Ok(is_here || world.has_arrived()?)
    })?;
    world.link.cut();
    soon("the course shows", || world.has_arrived())?;
    world.large.check(&world.edge)
}
