//! How often and how long: what both sides of a link go by.

use std::time::Duration;

/// How long a round goes on that the node's own ticker asks for: it passes on news as they come.
pub const LINGER: Duration = Duration::from_secs(10);
/// How often a round that lingers looks for news of this node, and a pull that waits for news of
/// the other.
pub const CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// The same, if many wait: each look costs something, and a change has a second.
const CHECK_INTERVAL_MAX: Duration = Duration::from_millis(500);
/// As many may look that often.
const CHECKING_OFTEN: u32 = 32;

/// How long an upstream is asked to wait for news: long, since each request costs it something,
/// and short enough not to hold up a node that stops.
pub const LONG_POLL_WAIT: Duration = Duration::from_secs(5);
/// The pause after an upstream that did not wait for news, although asked to.
pub const EARLY_REPLY_BACKOFF: Duration = Duration::from_millis(500);
/// How long to wait for an answer. A link that is slower than this for a batch is down.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(25);
/// The pause that an upstream asks for when it is at its limits.
pub const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// Bytes of batches that an instance of an upstream holds at one time; more are asked to wait.
/// Bytes and not batches: three hundred nodes with a statement each are no burden.
pub const APPLYING_BYTES_MAX: usize = 48 << 20;
/// Pulls that wait for news in an instance of an upstream; more are answered at once.
pub const LONG_POLLS_MAX: usize = 512;
/// How long a batch that overtook another one waits for that, where it is applied.
pub const PREDECESSOR_WAIT: Duration = Duration::from_secs(2);

/// How often each of so many pulls that wait looks for news.
pub fn check_interval(waiting: usize) -> Duration {
    let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
    (CHECK_INTERVAL.saturating_mul(waiting) / CHECKING_OFTEN)
        .clamp(CHECK_INTERVAL, CHECK_INTERVAL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_look_less_often() {
        let looks =
            [0, 32, 64, 300, 512, usize::MAX].map(|waiting| check_interval(waiting).as_millis());
        assert_eq!(looks, [50, 50, 100, 468, 500, 500]);
    }
}
