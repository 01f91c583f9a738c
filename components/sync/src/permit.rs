//! A number of things that an instance does at one time, or has in memory, and no more.

use std::cell::Cell;
use std::thread::LocalKey;

/// Permits that are out, of a limited number.
type Taken = &'static LocalKey<Cell<usize>>;

/// One of so many permits, or several; given back when dropped.
pub struct Permit {
    taken: Taken,
    count: usize,
}

impl Permit {
    /// A permit, if fewer than `limit` are taken.
    pub fn try_take(taken: Taken, limit: usize) -> Option<Self> {
        Self::try_take_many(taken, 1, limit)
    }

    /// So many permits, if with them no more than `limit` are taken.
    pub fn try_take_many(taken: Taken, count: usize, limit: usize) -> Option<Self> {
        let all = taken.get().saturating_add(count);
        (all <= limit).then(|| {
            taken.set(all);
            Self { taken, count }
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.taken.set(self.taken.get().saturating_sub(self.count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static TAKEN: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn no_more_are_taken_than_there_are_and_all_come_back() {
        let one = Permit::try_take(&TAKEN, 4);
        let more = Permit::try_take_many(&TAKEN, 3, 4);
        assert!(one.is_some() && more.is_some());
        assert!(Permit::try_take(&TAKEN, 4).is_none());
        assert!(Permit::try_take_many(&TAKEN, usize::MAX, 4).is_none());
        drop(more);
        assert_eq!(TAKEN.get(), 1);
        assert!(Permit::try_take_many(&TAKEN, 3, 4).is_some());
        drop(one);
        assert_eq!(TAKEN.get(), 0);
    }
}
