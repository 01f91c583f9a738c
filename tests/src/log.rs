use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What a process has printed so far.
#[derive(Clone, Default)]
pub struct Log {
    text: Arc<Mutex<String>>,
    /// How many pipes may still bring something.
    open: Arc<AtomicUsize>,
}

impl Log {
    /// Collects what comes out of a pipe, until it closes.
    pub fn collect(&self, pipe: impl Read + Send + 'static) {
        let log = self.clone();
        log.open.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let mut text = log.lock();
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
            log.open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.lock().clone()
    }

    /// Whether every pipe is closed, so that nothing more will come.
    pub fn is_complete(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    /// Adds a line of the test's own, such as where a process was killed.
    pub fn note(&self, line: &str) {
        self.lock().push_str(&format!("--- {line}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
