//! The way into a component, which so many requests may take at one time.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many requests are in a component at one time, and how many wait to be.
pub struct Gate {
    permits: Semaphore,
    inside_max: usize,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Gate {
    /// A gate for so many inside, and so many who wait.
    pub fn new(inside_max: usize, waiting_max: usize) -> Self {
        let (permits, waiting) = (Semaphore::new(inside_max), AtomicUsize::new(0));
        Self { permits, inside_max, waiting, waiting_max }
    }

    /// How many are inside, and how many wait.
    pub fn read_load(&self) -> (u64, u64) {
        let inside = self.inside_max.saturating_sub(self.permits.available_permits());
        (inside as u64, self.waiting.load(Ordering::Relaxed) as u64)
    }

    /// Waits for a place, in order of arrival; `None` when too many wait already.
    pub async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.permits.try_acquire() {
            return Some(permit);
        }
        let _waiting = QueuePlace::join_queue(&self.waiting, self.waiting_max)?;
        self.permits.acquire().await.ok()
    }
}

/// A place in the queue, given back also when the caller goes away.
struct QueuePlace<'g>(&'g AtomicUsize);

impl<'g> QueuePlace<'g> {
    fn join_queue(count: &'g AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_gate_lets_in_queues_and_refuses() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter().await.unwrap();
        let mut second = Box::pin(gate.enter());
        assert!(futures::poll!(&mut second).is_pending());
        assert!(gate.enter().await.is_none(), "one inside, one waiting: full");
        drop(inside);
        assert!(second.await.is_some());
        assert!(gate.enter().await.is_some(), "the queue was left again");
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_the_queue() {
        let gate = Gate::new(1, 1);
        let _inside = gate.enter().await.unwrap();
        for _ in 0..3 {
            let mut waiting = Box::pin(gate.enter());
            assert!(futures::poll!(&mut waiting).is_pending());
        }
        assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
    }
}
