//! What is assumed. Whatever has been measured says where.

use hedgeschool_replication::timing;
use hedgeschool_replication::wire::{BATCH_BYTES, BATCH_ENTRIES_MAX};

use crate::time::{MINUTE, SECOND, Time, of};

/// What a node above can do, and allows.
#[derive(Clone, Debug)]
pub struct Capacity {
    /// Entries applied in a second, if they come in large batches.
    pub entries_per_second: f64,
    /// What a batch costs beside its entries.
    pub batch: Time,
    /// What a pull without news costs.
    pub pull: Time,
    /// What it costs to check for news once.
    pub check: Time,
    /// Share of it that is taken by pulls and rounds while they are not simulated one by one.
    pub calm_share: f64,
    /// Requests inside at one time; more queue, so many at most.
    pub inside_max: usize,
    pub queue_max: usize,
    /// Bytes of batches applied at one time, and pulls that wait for news: of all instances.
    pub applying_bytes: u64,
    pub waiting_max: usize,
}

/// How nodes behave.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a round lingers; longer while rounds are not simulated one by one.
    pub linger: Time,
    pub calm_linger: Time,
    pub check_interval: Time,
    /// The longest wait for news, and the pause after an upstream that does not wait.
    pub long_poll_wait: Time,
    pub early_reply_backoff: Time,
    pub request_timeout: Time,
    /// The pause that a busy node above asks for, and the least pause after a round that failed.
    pub busy_pause: Time,
    pub interval: Time,
    pub batch_entries: u64,
    pub batch_bytes: u64,
    /// Batches get smaller on slow lines.
    pub adapts: bool,
    /// Batches applied at one time by a node above, however small they are.
    pub applying_max: usize,
    /// Pulls that wait take nobody's place.
    pub waits_outside: bool,
    /// After a pause that the node above asked for there is no other one.
    pub comes_back_at_once: bool,
    /// How long a batch waits above for one sent before.
    pub predecessor_wait: Time,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            entries_per_second: 23_000.0,
            batch: 300,
            pull: 800,
            check: 34,
            calm_share: 0.0,
            inside_max: 64,
            queue_max: 1_024,
            applying_bytes: 2 * timing::APPLYING_BYTES_MAX as u64,
            waiting_max: 2 * timing::LONG_POLLS_MAX,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            linger: of(timing::LINGER),
            calm_linger: 10 * MINUTE,
            check_interval: of(timing::CHECK_INTERVAL),
            long_poll_wait: of(timing::LONG_POLL_WAIT),
            early_reply_backoff: of(timing::EARLY_REPLY_BACKOFF),
            request_timeout: of(timing::REQUEST_TIMEOUT),
            busy_pause: of(timing::BUSY_PAUSE),
            interval: 10 * SECOND,
            batch_entries: u64::from(BATCH_ENTRIES_MAX),
            batch_bytes: u64::from(BATCH_BYTES),
            adapts: true,
            applying_max: usize::MAX,
            waits_outside: true,
            comes_back_at_once: true,
            predecessor_wait: of(timing::PREDECESSOR_WAIT),
        }
    }
}

impl Rules {
    /// Before this simulation had been run.
    pub fn former() -> Self {
        Self { adapts: false, applying_max: 2 * 16, ..Self::default() }
    }

    /// And before that: pulls waited for two seconds, in the places of others, and the pause of a
    /// busy node above was as long as any.
    pub fn former_waiting() -> Self {
        Self {
            long_poll_wait: 2 * SECOND,
            waits_outside: false,
            comes_back_at_once: false,
            ..Self::former()
        }
    }
}
