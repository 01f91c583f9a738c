//! How processes ended.
//!
//! The daemon adopts the processes of its containers, as their OCI runtime is gone once they are
//! made, and so it is told of each of their ends. An end may come before anybody knows whose it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How long an end is kept that nobody has asked for: a process is known to its container a few
/// milliseconds after it began.
const UNCLAIMED_MAX: Duration = Duration::from_secs(60);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; 128 and the signal's number for one that was killed.
    pub code: u32,
    /// When that was noticed.
    pub at: SystemTime,
}

/// The ends of all processes of this daemon.
#[derive(Debug, Default)]
pub struct Exits(Mutex<Ends>);

#[derive(Debug, Default)]
struct Ends {
    awaited: HashMap<Pid, oneshot::Sender<Exit>>,
    unclaimed: HashMap<Pid, (Instant, Exit)>,
}

impl Exits {
    /// Begins to take note of ends, in a task of its own.
    ///
    /// # Errors
    /// When the system grants no handler of signals.
    pub fn watch_children() -> std::io::Result<Arc<Self>> {
        let exits = Arc::new(Self::default());
        tokio::spawn(reap_children(signal(SignalKind::child())?, exits.clone()));
        Ok(exits)
    }

    /// The end of a process that was started after `since`; earlier ends are those of others who
    /// had its number.
    pub fn await_exit(&self, pid: Pid, since: Instant) -> oneshot::Receiver<Exit> {
        let (sender, receiver) = oneshot::channel();
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ends.unclaimed.remove(&pid).filter(|(noticed, _)| *noticed >= since) {
            Some((_, exit)) => drop(sender.send(exit)),
            None => drop(ends.awaited.insert(pid, sender)),
        }
        receiver
    }

    fn note_exit(&self, pid: Pid, exit: Exit) {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = ends.awaited.remove(&pid) {
            // Whoever asked may have gone.
            let _ = sender.send(exit);
            return;
        }
        ends.unclaimed.retain(|_, (noticed, _)| noticed.elapsed() < UNCLAIMED_MAX);
        ends.unclaimed.insert(pid, (Instant::now(), exit));
    }
}

async fn reap_children(mut children: Signal, exits: Arc<Exits>) {
    while children.recv().await.is_some() {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if let Some(code) = exit_code(status) {
                exits.note_exit(pid, Exit { code, at: SystemTime::now() });
            }
        }
    }
}

fn exit_code(status: WaitStatus) -> Option<u32> {
    let exited = status.exit_status().and_then(|code| u32::try_from(code).ok());
    let killed = || status.terminating_signal().and_then(|number| u32::try_from(number).ok());
    exited.or_else(|| killed().map(|number| 128 + number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(code: u32) -> Exit {
        Exit { code, at: SystemTime::UNIX_EPOCH }
    }

    #[test]
    fn an_end_is_known_whether_it_comes_before_the_question_or_after() {
        let exits = Exits::default();
        let (early, late) = (Pid::from_raw(7).unwrap(), Pid::from_raw(8).unwrap());
        let since = Instant::now();
        exits.note_exit(early, exit(1));
        assert_eq!(exits.await_exit(early, since).try_recv(), Ok(exit(1)));
        let mut receiver = exits.await_exit(late, since);
        assert!(receiver.try_recv().is_err());
        exits.note_exit(late, exit(2));
        assert_eq!(receiver.try_recv(), Ok(exit(2)));
    }

    #[test]
    fn an_end_of_an_earlier_process_of_that_number_is_not_taken() {
        let exits = Exits::default();
        let pid = Pid::from_raw(7).unwrap();
        exits.note_exit(pid, exit(1));
        let mut receiver = exits.await_exit(pid, Instant::now() + Duration::from_nanos(1));
        assert!(receiver.try_recv().is_err());
    }
}
