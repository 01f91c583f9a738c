//! A first-in, first-out queue between async callers and the threads that own connections.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Jobs for at most `threads_max` threads, which the pusher starts when they are needed.
///
/// The queue itself is not bounded: whoever pushes holds a permit of a bounded semaphore.
pub(crate) struct Queue<J> {
    state: Mutex<State<J>>,
    ready: Condvar,
    threads_max: usize,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// Threads that exist, and those of them that sleep.
    threads: usize,
    idle: usize,
    closed: bool,
    /// Nothing is handed out for the moment.
    paused: bool,
}

/// Lets the queue go on when dropped.
pub(crate) struct Paused<'a, J>(&'a Queue<J>);

impl<J> Drop for Paused<'_, J> {
    fn drop(&mut self) {
        self.0.lock_state().paused = false;
        self.0.ready.notify_all();
    }
}

/// What the pusher has to do after a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// A thread will take the job.
    Taken,
    /// The queue counts on a new thread, which the pusher must start.
    StartThread,
}

impl<J> Queue<J> {
    pub(crate) fn new(threads_max: usize) -> Self {
        let state =
            State { jobs: VecDeque::new(), threads: 0, idle: 0, closed: false, paused: false };
        Self { state: Mutex::new(state), ready: Condvar::new(), threads_max }
    }

    fn lock_state(&self) -> MutexGuard<'_, State<J>> {
        // The state is whole between any two of its changes: a poisoned lock guards nothing worse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job at the end; gives it back when the queue is closed.
    pub(crate) fn push(&self, job: J) -> Result<Pushed, J> {
        let mut state = self.lock_state();
        if state.closed {
            return Err(job);
        }
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() || state.threads == self.threads_max {
            drop(state);
            self.ready.notify_one();
            return Ok(Pushed::Taken);
        }
        state.threads += 1;
        Ok(Pushed::StartThread)
    }

    /// Waits for a job; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<J> {
        let mut state = self.lock_state();
        loop {
            let job = if state.paused { None } else { state.jobs.pop_front() };
            if job.is_some() || (state.closed && state.jobs.is_empty()) {
                return job;
            }
            state.idle += 1;
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Takes the first job if it is one of those wanted, and waits for it until then at most.
    pub(crate) fn pop_if(&self, until: Instant, wanted: impl Fn(&J) -> bool) -> Option<J> {
        let mut state = self.lock_state();
        loop {
            if let Some(first) = state.jobs.front() {
                return if wanted(first) { state.jobs.pop_front() } else { None };
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                return None;
            }
            state.idle += 1;
            state = self.ready.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
    }

    /// Keeps back every job that is not taken yet.
    pub(crate) fn pause(&self) -> Paused<'_, J> {
        self.lock_state().paused = true;
        Paused(self)
    }

    /// Jobs that wait.
    pub(crate) fn len(&self) -> usize {
        self.lock_state().jobs.len()
    }

    /// Lets the threads finish what waits and then end; nothing more is taken in.
    pub(crate) fn close(&self) {
        self.lock_state().closed = true;
        self.ready.notify_all();
    }

    /// To be called by a thread that ends, in whatever way. If nobody is left, the jobs that wait
    /// are dropped: their callers learn that the database is closed rather than wait for ever.
    pub(crate) fn leave_queue(&self) {
        let mut state = self.lock_state();
        state.threads = state.threads.saturating_sub(1);
        let orphans =
            if state.threads == 0 { std::mem::take(&mut state.jobs) } else { VecDeque::new() };
        drop(state);
        drop(orphans);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{Pushed, Queue};

    #[test]
    fn starts_threads_only_while_jobs_outnumber_them() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(Pushed::StartThread));
        assert_eq!(queue.push(2), Ok(Pushed::StartThread));
        assert_eq!(queue.push(3), Ok(Pushed::Taken));
    }

    #[test]
    fn keeps_order_and_hands_out_the_rest_after_close() {
        let queue = Queue::new(1);
        for job in 0..3 {
            queue.push(job).unwrap();
        }
        queue.close();
        assert_eq!(queue.push(9), Err(9));
        assert_eq!(queue.pop_if(Instant::now(), |job| *job == 1), None);
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(0), Some(1), Some(2)));
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn hands_out_nothing_while_paused() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        let paused = queue.pause();
        std::thread::scope(|scope| {
            let taken = scope.spawn(|| queue.pop());
            while queue.lock_state().idle == 0 {
                assert!(!taken.is_finished(), "a job was handed out");
                std::thread::yield_now();
            }
            drop(paused);
            assert_eq!(taken.join().unwrap(), Some(1));
        });
    }

    #[test]
    fn drops_jobs_that_nobody_is_left_to_do() {
        let queue = Queue::new(1);
        let job = std::sync::Arc::new(());
        queue.push(job.clone()).unwrap();
        queue.leave_queue();
        assert_eq!(std::sync::Arc::strong_count(&job), 1);
    }
}
