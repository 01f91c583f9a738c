//! A small cache that lives as long as the instance.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Values that may be a stated time old. Holds `capacity` of them and then starts anew, which
/// bounds its memory without a thought for order.
pub struct Cache<V> {
    entries: RefCell<HashMap<String, (Instant, V)>>,
    capacity: usize,
    age: Duration,
}

impl<V: Clone> Cache<V> {
    /// A cache of at most `capacity` values, each served for at most `age`.
    pub fn new(capacity: usize, age: Duration) -> Self {
        Self { entries: RefCell::default(), capacity, age }
    }

    /// The value under a key, if it is young enough.
    pub fn get(&self, key: &str) -> Option<V> {
        let entries = self.entries.borrow();
        let (stored, value) = entries.get(key)?;
        (stored.elapsed() < self.age).then(|| value.clone())
    }

    /// Remembers a value.
    pub fn insert(&self, key: String, value: V) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= self.capacity {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_what_is_old_and_stays_small() {
        let none = Cache::new(2, Duration::ZERO);
        none.insert("a".into(), 1);
        assert_eq!(none.get("a"), None);
        let cache = Cache::new(2, Duration::from_secs(60));
        for key in ["a", "b", "c"] {
            cache.insert(key.into(), key);
        }
        assert_eq!((cache.get("a"), cache.get("c")), (None, Some("c")));
    }
}
