//! A number of things that an instance does at one time, and no more.

use std::cell::Cell;

/// One of so many places; given back when dropped.
pub struct Place(&'static std::thread::LocalKey<Cell<usize>>);

impl Place {
    /// A place, if there is one.
    pub fn take(taken: &'static std::thread::LocalKey<Cell<usize>>, limit: usize) -> Option<Self> {
        let count = taken.get();
        (count < limit).then(|| {
            taken.set(count + 1);
            Self(taken)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
