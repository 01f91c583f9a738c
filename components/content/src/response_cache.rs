//! Answers that all instances share, in the key-value store `default`: where it is on Redis, and
//! there only.
//!
//! On SQLite, reading an answer back costs what making it costs, and keeping it a durable write.
//! What is kept names the journal's epoch and last sequence that it was made of. One that is not
//! of this moment is not used, so the cache cannot be wrong; it can be slow, and then it is left
//! alone for a while.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hedgeschool_redis::{Breaker, LEFT_ALONE, within};
use hedgeschool_web::{Problem, now_ms, settings};
use spin_sdk::key_value::Store;
use spin_sdk::wit_bindgen::spawn;

use crate::store::journal;

/// How long to look for an answer: making it takes less than many times that.
const LOOK: Duration = Duration::from_millis(100);
/// How long keeping one may take. Nobody waits for it.
const KEEP: Duration = Duration::from_secs(1);
/// Longest name, and largest answer, in bytes.
const NAME_BYTES_MAX: usize = 1_000;
const ANSWER_BYTES_MAX: usize = 4 << 20;

thread_local! {
    static BREAKER: Breaker = const { Breaker::new(LEFT_ALONE) };
    static STORE: RefCell<Option<Rc<Store>>> = const { RefCell::new(None) };
}

/// A place for one answer.
pub struct CacheSlot {
    key: String,
    /// What the answer is made of: `EPOCH:SEQUENCE`.
    state: String,
    /// How old an answer may be.
    age: Duration,
}

impl CacheSlot {
    /// The place of this name. None: caching is switched off, or not worth it.
    pub async fn open(name: &str) -> Result<Option<Self>, Problem> {
        let is_worth_it = !settings::text("redis_url").await?.is_empty();
        if !is_worth_it || name.len() > NAME_BYTES_MAX || !settings::is_on("cache_enabled").await? {
            return Ok(None);
        }
        // Before the answer is made: what changes meanwhile makes it one of the past.
        let state = format!("{}:{}", journal::epoch().await?, journal::head().await?);
        let key = format!("hedgeschool:{}:{name}", settings::text("node_id").await?);
        Ok(Some(Self { key, state, age: settings::duration("cache_ttl").await? }))
    }

    /// The answer, if it is there and of this moment.
    pub async fn read_body(&self) -> Option<Vec<u8>> {
        let kept = try_store(LOOK, async |store| store.get(&self.key).await).await??;
        let line = kept.iter().position(|byte| *byte == b'\n')?;
        let head = std::str::from_utf8(kept.get(..line)?).ok()?;
        let (state, made_ms) = head.rsplit_once(' ')?;
        let age_ms = now_ms().checked_sub(made_ms.parse().ok()?)?;
        let is_young = u128::try_from(age_ms).is_ok_and(|age| age < self.age.as_millis());
        (state == self.state && is_young).then(|| kept.get(line + 1..).map(<[u8]>::to_vec))?
    }

    /// Keeps an answer, in place of the one before it, once the request is answered.
    pub fn write_body(self, answer: Vec<u8>) {
        if answer.len() > ANSWER_BYTES_MAX || self.age.is_zero() {
            return;
        }
        spawn(async move {
            let mut kept = format!("{} {}\n", self.state, now_ms()).into_bytes();
            kept.extend_from_slice(&answer);
            try_store(KEEP, async |store| store.set(&self.key, &kept).await).await;
        });
    }
}

/// Does something with the store, if it works. Hosts give up on one that does not only after a
/// long time, if at all.
async fn try_store<T>(
    limit: Duration,
    operation: impl AsyncFnOnce(&Store) -> Result<T, spin_sdk::key_value::Error>,
) -> Option<T> {
    if !BREAKER.with(|breaker| breaker.allows(Instant::now())) {
        return None;
    }
    let done = within(limit, async { operation(&*open_store().await?).await }).await;
    let problem = match done {
        Some(Ok(done)) => {
            BREAKER.with(Breaker::worked);
            return Some(done);
        }
        Some(Err(error)) => error.to_string(),
        None => format!("no answer within {} ms", limit.as_millis()),
    };
    STORE.set(None);
    BREAKER.with(|breaker| breaker.failed(Instant::now()));
    eprintln!("key-value store default: {problem}; it is left alone for a while");
    None
}

async fn open_store() -> Result<Rc<Store>, spin_sdk::key_value::Error> {
    let known = STORE.with_borrow(Clone::clone);
    if let Some(store) = known {
        return Ok(store);
    }
    let opened = Rc::new(Store::open_default().await?);
    STORE.set(Some(Rc::clone(&opened)));
    Ok(opened)
}
