//! A number of things that an instance does at one time, or has in memory, and no more.

use std::cell::Cell;

/// One of so many places, or several; given back when dropped.
pub struct Place(&'static std::thread::LocalKey<Cell<usize>>, usize);

impl Place {
    /// A place, if there is one.
    pub fn take(taken: &'static std::thread::LocalKey<Cell<usize>>, limit: usize) -> Option<Self> {
        Self::take_several(taken, 1, limit)
    }

    /// So many places, if there are as many.
    pub fn take_several(
        taken: &'static std::thread::LocalKey<Cell<usize>>,
        several: usize,
        limit: usize,
    ) -> Option<Self> {
        let count = taken.get().saturating_add(several);
        (count <= limit).then(|| {
            taken.set(count);
            Self(taken, several)
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(self.1));
    }
}
