//! Telling whoever waits that a journal has become longer.

use std::cell::Cell;
use std::time::{Duration, Instant};

use spin_sdk::wit_bindgen::spawn;

use crate::redis::Redis;
use crate::value::text;

/// How long changes are gathered before they are told of: at most 50 messages a second come from
/// an instance.
const GATHER: Duration = Duration::from_millis(20);
/// How long an instance remembers that the node has no Redis.
const WITHOUT: Duration = Duration::from_secs(60);

thread_local! {
    /// A message is about to be sent.
    static IS_UNDERWAY: Cell<bool> = const { Cell::new(false) };
    /// Until when not to look for a Redis.
    static WITHOUT_UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Says on the node's channel `changed` that something was recorded in a journal. Returns at once:
/// the message goes out when the request is answered, and if it does not, the next round finds the
/// change all the same.
pub fn changed(journal: &'static str) {
    let is_without = WITHOUT_UNTIL.get().is_some_and(|until| Instant::now() < until);
    if is_without || IS_UNDERWAY.replace(true) {
        return;
    }
    let underway = Underway;
    spawn(async move {
        spin_sdk::time::sleep(GATHER).await;
        // What is recorded from here on has a message of its own.
        drop(underway);
        publish(journal).await;
    });
}

/// Ends with the task, however that ends.
struct Underway;

impl Drop for Underway {
    fn drop(&mut self) {
        IS_UNDERWAY.set(false);
    }
}

async fn publish(journal: &str) {
    match Redis::configured().await {
        Ok(Some(redis)) => {
            // Nobody has to hear it.
            let _ = redis.command("PUBLISH", [text(redis.key("changed")), text(journal)]).await;
        }
        Ok(None) => WITHOUT_UNTIL.set(Some(Instant::now() + WITHOUT)),
        Err(problem) => problem.log(),
    }
}
