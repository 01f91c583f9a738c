//! Recording under load until the node is killed.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, mem, thread};

use anyhow::{Context, Error, Result, anyhow, ensure};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::{Client, Node, eventually, statement};

/// Clients that post one statement at a time.
const SINGLE_WRITERS: usize = 4;
/// Clients that post batches.
const BATCH_WRITERS: usize = 2;
/// Most statements of a batch.
const BATCH_MAX: usize = 50;
/// How many learners there are, and how many activities: few, so that what they reach adds up.
const LEARNERS: u32 = 8;
const ACTIVITIES: u32 = 4;
/// One statement in so many is large, and how large: the write-ahead log is to be copied and to
/// start over.
const LARGE_ONE_IN: u32 = 5;
const LARGE_BYTES: usize = 150_000;
/// The pause of a client that goes on whatever happens: it is to keep a node busy, not the machine.
const PACE: Duration = Duration::from_millis(5);
/// How long such a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many acknowledged statements show that it goes on.
const GOES_ON: usize = 20;

/// What a test posted, and whether it heard that it was stored.
#[derive(Default)]
pub struct Storm {
    /// The ids of acknowledged statements.
    pub acknowledged: HashSet<String>,
    /// Requests whose answer the kill swallowed.
    unanswered: Vec<Request>,
}

/// The statements of one request, to be stored whole or not at all.
struct Request(Vec<Value>);

impl Storm {
    /// Adds what another one posted.
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unanswered.extend(other.unanswered);
    }

    /// Checks that everything acknowledged is among these ids; that requests without an answer are
    /// there whole or not at all; and that there is nothing else.
    pub fn check(&self, stored: &HashSet<String>) -> Result<()> {
        let lost = self.acknowledged.difference(stored).count();
        ensure!(
            lost == 0,
            "{lost} of {} acknowledged statements are lost",
            self.acknowledged.len()
        );
        let mut known = self.acknowledged.len();
        for request in &self.unanswered {
            let there = request.ids().filter(|id| stored.contains(id)).count();
            let sent = request.0.len();
            ensure!(there == 0 || there == sent, "only {there} of a batch of {sent} are there");
            known += there;
        }
        ensure!(known == stored.len(), "{} statements are there, {known} known", stored.len());
        Ok(())
    }

    /// Posts again what was not answered, as clients do: it is acknowledged now, stored before or
    /// not.
    pub fn retry(&mut self, client: &Client) -> Result<()> {
        for request in mem::take(&mut self.unanswered) {
            request.post(client).context("posting again")?;
            self.acknowledged.extend(request.ids());
        }
        Ok(())
    }
}

impl Request {
    fn random(statements: usize) -> Self {
        Self((0..statements).map(|_| random_statement()).collect())
    }

    fn ids(&self) -> impl Iterator<Item = String> {
        let id = |statement: &Value| statement.get("id").and_then(Value::as_str).map(str::to_owned);
        self.0.iter().filter_map(id)
    }

    fn post(&self, client: &Client) -> Result<()> {
        let answered = client.post("/xapi/statements", &json!(self.0))?.expect(200)?.json()?;
        let ids: Vec<_> = self.ids().collect();
        ensure!(answered == json!(ids), "answered {answered} for {ids:?}");
        Ok(())
    }
}

/// Has clients post statements and batches as fast as they can, and kills the node under them: a
/// moment after `count` statements have been acknowledged.
pub fn until_killed(node: &mut Node, count: usize, moment: Duration) -> Result<Storm> {
    let client = node.xapi();
    until(&client, count, moment, || node.kill())
}

/// The same, until something else happens to whoever answers the client: the posting ends with the
/// first answers that do not come.
pub fn until(
    client: &Client,
    count: usize,
    moment: Duration,
    fault: impl FnOnce() -> Result<()>,
) -> Result<Storm> {
    let storm = Mutex::new(Storm::default());
    thread::scope(|scope| {
        let singles = (0..SINGLE_WRITERS).map(|_| 1);
        let sizes = singles.chain([BATCH_MAX; BATCH_WRITERS]);
        let start = |size| {
            scope.spawn({
                let storm = &storm;
                move || write(client, size, storm)
            })
        };
        let writers: Vec<_> = sizes.map(start).collect();
        let reached = eventually("enough statements are acknowledged", || {
            let stopped = writers.iter().any(|writer| writer.is_finished());
            let written = storm.lock().map(|storm| storm.acknowledged.len()).unwrap_or_default();
            Ok((stopped || written >= count).then_some(!stopped))
        });
        // Not waiting for something: a random moment inside a write is the point.
        thread::sleep(moment);
        fault()?;
        let mut reasons = writers.into_iter().filter_map(|writer| writer.join().ok());
        let reason = reasons.next().unwrap_or_else(|| anyhow!("a writer panicked"));
        let refused = || reason.context("the node refused statements before it was killed");
        if reached? { Ok(()) } else { Err(refused()) }
    })?;
    storm.into_inner().context("a writer panicked")
}

/// Clients that go on whatever happens to whoever answers them.
pub struct Persistent {
    storm: Mutex<Storm>,
    pulse: Mutex<Pulse>,
    has_ended: AtomicBool,
}

/// When something was acknowledged.
struct Pulse {
    last: Instant,
    gap_max: Duration,
}

impl Persistent {
    /// How many statements have been acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.storm.lock().map(|storm| storm.acknowledged.len()).unwrap_or_default()
    }

    /// Waits until so many more have been.
    pub fn await_more(&self, count: usize) -> Result<()> {
        let wanted = self.acknowledged() + count;
        let what = format!("{count} more statements are acknowledged");
        eventually(&what, || Ok((self.acknowledged() >= wanted).then_some(())))
    }

    /// Lets something happen, and answers for how long at most nothing was acknowledged meanwhile,
    /// until it went on.
    pub fn gap_during(&self, happens: impl FnOnce() -> Result<()>) -> Result<Duration> {
        if let Ok(mut pulse) = self.pulse.lock() {
            *pulse = Pulse { last: Instant::now(), gap_max: Duration::ZERO };
        }
        happens()?;
        self.await_more(GOES_ON)?;
        Ok(self.pulse.lock().map(|pulse| pulse.gap_max).unwrap_or_default())
    }

    fn write(&self, client: &Client) {
        let mut request = Request::random(1);
        while !self.has_ended.load(Ordering::Relaxed) {
            thread::sleep(PACE);
            let Ok(()) = request.post(client) else { continue };
            let Ok(mut storm) = self.storm.lock() else { return };
            storm.acknowledged.extend(mem::replace(&mut request, Request::random(1)).ids());
            let Ok(mut pulse) = self.pulse.lock() else { return };
            pulse.gap_max = pulse.gap_max.max(pulse.last.elapsed());
            pulse.last = Instant::now();
        }
        if let Ok(mut storm) = self.storm.lock() {
            storm.unanswered.push(request);
        }
    }
}

/// Has clients post statements while something happens. What is not answered they post again, as
/// clients do, and soon: one of them over a new connection each time.
pub fn through(client: &Client, happens: impl FnOnce(&Persistent) -> Result<()>) -> Result<Storm> {
    let pulse = Pulse { last: Instant::now(), gap_max: Duration::ZERO };
    let persistent = Persistent {
        storm: Mutex::default(),
        pulse: Mutex::new(pulse),
        has_ended: AtomicBool::new(false),
    };
    let client = client.clone().with_timeout(PATIENCE);
    let outcome = thread::scope(|scope| {
        scope.spawn(|| persistent.write(&client.clone().with_header("connection", "close")));
        for _ in 1..SINGLE_WRITERS {
            scope.spawn(|| persistent.write(&client));
        }
        let outcome = persistent.await_more(GOES_ON).and_then(|()| happens(&persistent));
        persistent.has_ended.store(true, Ordering::Relaxed);
        outcome
    });
    outcome?;
    persistent.storm.into_inner().context("a writer panicked")
}

/// Posts requests until one is not acknowledged; answers why it was not.
fn write(client: &Client, size_max: usize, storm: &Mutex<Storm>) -> Error {
    loop {
        let request = Request::random(rand::rng().random_range(1..=size_max));
        let posted = request.post(client);
        let Ok(mut storm) = storm.lock() else { return anyhow!("another writer panicked") };
        match posted {
            Ok(()) => storm.acknowledged.extend(request.ids()),
            Err(error) => {
                storm.unanswered.push(request);
                return error;
            }
        }
    }
}

/// One of a few learners experiences or completes one of a few activities.
pub fn random_statement() -> Value {
    let mut random = rand::rng();
    let learner = random.random_range(0..LEARNERS);
    let activity = random.random_range(0..ACTIVITIES);
    let (verb, result) = if random.random_ratio(1, LARGE_ONE_IN) {
        ("experienced", json!({ "response": "x".repeat(LARGE_BYTES) }))
    } else {
        ("completed", result(&mut random))
    };
    json!({
        "id": statement::new_id(),
        "actor": { "mbox": format!("mailto:learner-{learner}@example.org") },
        "verb": { "id": format!("http://adlnet.gov/expapi/verbs/{verb}") },
        "object": { "id": format!("{}/{activity}", statement::ACTIVITY) },
        "result": result,
    })
}

fn result(random: &mut impl Rng) -> Value {
    // Exact in binary, so that comparisons are.
    let scaled = f64::from(random.random_range(-8_i32..=8)) / 8.0;
    json!({ "completion": true, "success": scaled > 0.5, "score": { "scaled": scaled } })
}

/// When to kill.
#[derive(Debug)]
pub struct Moment {
    /// After this many acknowledged statements.
    pub writes: usize,
    /// And then this much later, which may be anywhere inside a write.
    pub pause: Duration,
}

impl Moment {
    /// Some moment, from before the first answer on.
    pub fn random(random: &mut impl Rng) -> Self {
        let writes = random.random_range(0..300);
        Self { writes, pause: Duration::from_micros(random.random_range(0..8_000)) }
    }
}

/// Random numbers that HEDGE_TEST_SEED repeats; prints how.
pub fn seeded() -> Result<StdRng> {
    let seed = match env::var("HEDGE_TEST_SEED") {
        Ok(seed) => seed.parse().context("HEDGE_TEST_SEED is a whole number")?,
        Err(_) => rand::rng().random(),
    };
    println!("seed {seed}: HEDGE_TEST_SEED={seed} repeats the moments");
    Ok(StdRng::seed_from_u64(seed))
}
