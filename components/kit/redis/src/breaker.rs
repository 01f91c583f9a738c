use std::cell::Cell;
use std::time::{Duration, Instant};

/// Leaves alone, for a while, what has failed. After that one attempt finds out whether it works
/// again, and the others wait for what comes of it.
pub struct Breaker {
    /// Until when it is left alone. None: it works.
    until: Cell<Option<Instant>>,
    pause: Duration,
}

impl Breaker {
    /// One that leaves alone for so long.
    pub const fn new(pause: Duration) -> Self {
        Self { until: Cell::new(None), pause }
    }

    /// Whether it may be tried now.
    pub fn allows(&self, now: Instant) -> bool {
        match self.until.get() {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.failed(now);
                true
            }
        }
    }

    /// It worked.
    pub fn worked(&self) {
        self.until.set(None);
    }

    /// It failed.
    pub fn failed(&self, now: Instant) {
        self.until.set(Some(now + self.pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_left_alone_and_then_tried_by_one() {
        let breaker = Breaker::new(Duration::from_secs(3));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(breaker.allows(start) && breaker.allows(start));
        breaker.failed(start);
        assert!(!breaker.allows(at(2)));
        assert!(breaker.allows(at(3)) && !breaker.allows(at(3)) && !breaker.allows(at(5)));
        breaker.worked();
        assert!(breaker.allows(at(5)) && breaker.allows(at(5)));
    }
}
