//! Whose record has changed: one look for all streams of an instance.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::store::{Changes, completions};

/// Agents that are remembered; more, and everybody may have changed.
const AGENTS_MAX: usize = 10_000;

#[derive(Default)]
struct Watch {
    /// How far the record has been looked through.
    through: Option<u64>,
    /// When that began.
    looked: Option<Instant>,
    /// How many looks there have been.
    count: u64,
    /// In which look an agent's record was last seen to have changed.
    changed: HashMap<String, u64>,
    /// In which look it was not known whose had.
    all_changed: u64,
}

thread_local! {
    static WATCH: RefCell<Watch> = RefCell::default();
}

/// How many looks there have been.
pub fn count_looks() -> u64 {
    WATCH.with_borrow(|watch| watch.count)
}

/// Whether an agent's record may have changed after so many looks.
pub fn has_changed(agent: &str, looks: u64) -> bool {
    WATCH.with_borrow(|watch| watch.has_changed(agent, looks))
}

/// Looks, unless somebody has just done so or is about to.
pub async fn look_for_changes(pause: Duration) {
    let Some(after) = WATCH.with_borrow_mut(|watch| watch.begin_look(pause)) else { return };
    match completions::changes_since(after).await {
        Ok(changes) => WATCH.with_borrow_mut(|watch| watch.note_changes(after, changes)),
        Err(error) => eprintln!("progress store: looking for changes: {error:?}"),
    }
}

impl Watch {
    /// From where on to look; none: not yet.
    fn begin_look(&mut self, pause: Duration) -> Option<Option<u64>> {
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= pause);
        is_due.then(|| {
            self.looked = Some(Instant::now());
            self.through
        })
    }

    fn note_changes(&mut self, after: Option<u64>, changes: Changes) {
        // A look that took longer than the next one tells nothing new.
        if self.through != after {
            return;
        }
        self.through = Some(changes.through);
        self.count += 1;
        let agents =
            changes.agents.filter(|agents| agents.len() + self.changed.len() <= AGENTS_MAX);
        // Before the first look anything may have happened.
        let Some(agents) = agents.filter(|_| after.is_some()) else {
            self.changed.clear();
            self.all_changed = self.count;
            return;
        };
        self.changed.extend(agents.into_iter().map(|agent| (agent, self.count)));
    }

    fn has_changed(&self, agent: &str, looks: u64) -> bool {
        let changed = self.changed.get(agent).copied().unwrap_or(0);
        changed.max(self.all_changed) > looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(through: u64, agents: Option<&[&str]>) -> Changes {
        let agents = agents.map(|agents| agents.iter().map(|agent| (*agent).to_owned()).collect());
        Changes { through, agents }
    }

    #[test]
    fn a_stream_hears_of_its_own_agent_once() {
        let mut watch = Watch::default();
        watch.note_changes(None, changes(5, Some(&[])));
        let heard = watch.count;
        watch.note_changes(Some(5), changes(7, Some(&["ada"])));
        assert!(watch.has_changed("ada", heard) && !watch.has_changed("bob", heard));
        assert!(!watch.has_changed("ada", watch.count));
        watch.note_changes(Some(7), changes(9, Some(&["bob"])));
        assert!(watch.has_changed("ada", heard), "a slow stream hears of it later");
    }

    #[test]
    fn what_is_not_known_has_changed_for_everybody() {
        let mut watch = Watch::default();
        watch.note_changes(None, changes(5, Some(&[])));
        assert!(watch.has_changed("ada", 0), "the first look");
        let heard = watch.count;
        watch.note_changes(Some(5), changes(9, None));
        assert!(watch.has_changed("ada", heard));
        let heard = watch.count;
        let many: Vec<_> = (0..=AGENTS_MAX).map(|n| n.to_string()).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        watch.note_changes(Some(9), changes(12, Some(&many)));
        assert!(watch.has_changed("ada", heard) && watch.changed.is_empty());
    }

    #[test]
    fn a_look_that_comes_late_changes_nothing() {
        let mut watch = Watch::default();
        watch.note_changes(None, changes(5, Some(&[])));
        watch.note_changes(Some(4), changes(3, Some(&["ada"])));
        assert_eq!((watch.through, watch.count), (Some(5), 1));
    }
}
