//! Who waits for news, and who gets woken by them.
//!
//! Three hundred nodes wait at a hub, and its journals grow all the time. If each looked for
//! itself, most of the hub's time would go into finding nothing. So one look at what is new serves
//! all that wait in an instance: it tells whom that concerns, and only those read it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::timing::{CHECK_INTERVAL, LONG_POLLS_MAX};

/// Journals of a node.
const JOURNALS: usize = 3;

/// Whom what is new in a journal concerns, of the nodes below.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Everything through this sequence was looked at.
    pub through: u64,
    /// All of them; or there is too much to tell.
    pub everyone: bool,
    /// These.
    pub nodes: BTreeSet<String>,
    /// And those which serve these.
    pub homes: BTreeSet<String>,
}

/// Those who wait in an instance. All times are since the same moment.
#[derive(Debug, Default)]
pub struct LongPolls {
    /// Through which sequence each journal was looked at.
    checked: [u64; JOURNALS],
    /// When that began.
    checked_at: Option<Duration>,
    /// Those who wait, by number.
    waiting: BTreeMap<u64, Waiter>,
    /// The next number.
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    node: String,
    /// The nodes below it.
    serves: BTreeSet<String>,
    /// Something new concerns it.
    is_concerned: bool,
}

impl Waiter {
    fn is_meant(&self, news: &News) -> bool {
        news.everyone
            || news.nodes.contains(&self.node)
            || news.homes.iter().any(|home| self.node == *home || self.serves.contains(home))
    }
}

impl LongPolls {
    /// How many wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// Adds one; answers its number. `heads` is where the journals end; it is of no use, and may
    /// be empty, while others wait. None: [`LONG_POLLS_MAX`] do.
    pub fn add_waiter(
        &mut self,
        node: &str,
        serves: &BTreeSet<String>,
        heads: &[u64],
    ) -> Option<u64> {
        if self.waiting.len() >= LONG_POLLS_MAX {
            return None;
        }
        if self.waiting.is_empty() {
            // Nobody has looked for a while, and nobody has to know what was new meanwhile.
            self.checked = heads.try_into().unwrap_or(self.checked);
        }
        let number = self.next;
        self.next += 1;
        let (node, serves) = (node.to_owned(), serves.clone());
        self.waiting.insert(number, Waiter { node, serves, is_concerned: false });
        Some(number)
    }

    /// Removes one.
    pub fn remove_waiter(&mut self, number: u64) {
        self.waiting.remove(&number);
    }

    /// Whether something new concerns one; asked once.
    pub fn take_wakeup(&mut self, number: u64) -> bool {
        let waiter = self.waiting.get_mut(&number);
        waiter.is_some_and(|waiter| std::mem::take(&mut waiter.is_concerned))
    }

    /// After which sequences to look for news, if it is time to.
    pub fn begin_check(&mut self, now: Duration) -> Option<[u64; JOURNALS]> {
        let is_recent = |at: Duration| now.saturating_sub(at) < CHECK_INTERVAL / 2;
        if self.checked_at.is_some_and(is_recent) {
            return None;
        }
        self.checked_at = Some(now);
        Some(self.checked)
    }

    /// Wakes those whom news of a journal, by its index, concern.
    pub fn wake_concerned(&mut self, journal: usize, news: &News) {
        if let Some(checked) = self.checked.get_mut(journal) {
            *checked = news.through.max(*checked);
        }
        for waiter in self.waiting.values_mut() {
            waiter.is_concerned |= waiter.is_meant(news);
        }
    }

    /// Wakes all: they look for themselves, and hear what is wrong.
    pub fn wake_all(&mut self) {
        self.waiting.values_mut().for_each(|waiter| waiter.is_concerned = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn only_whom_it_concerns_is_woken_and_once() {
        let mut polls = LongPolls::default();
        let [edge, region, other] = [("edge", &[][..]), ("region", &["leaf"]), ("other", &[])]
            .map(|(node, serves)| polls.add_waiter(node, &names(serves), &[0, 0, 0]).unwrap());
        let news = News {
            through: 5,
            nodes: names(&["edge"]),
            homes: names(&["leaf"]),
            ..News::default()
        };
        polls.wake_concerned(2, &news);
        assert!(polls.take_wakeup(edge) && polls.take_wakeup(region));
        assert!(!polls.take_wakeup(other) && !polls.take_wakeup(edge));
        assert_eq!(polls.begin_check(Duration::from_secs(9)), Some([0, 0, 5]));
        polls.wake_all();
        polls.remove_waiter(other);
        assert!(polls.take_wakeup(region) && !polls.take_wakeup(other));
    }

    #[test]
    fn one_look_serves_all_and_whoever_is_first_begins_at_the_end() {
        let mut polls = LongPolls::default();
        let first = polls.add_waiter("a", &names(&[]), &[7, 8, 9]).unwrap();
        polls.add_waiter("b", &names(&[]), &[]).unwrap();
        let at = Duration::from_secs(1);
        assert_eq!(polls.begin_check(at), Some([7, 8, 9]));
        assert_eq!(polls.begin_check(at + CHECK_INTERVAL / 4), None);
        assert_eq!(polls.begin_check(at + CHECK_INTERVAL), Some([7, 8, 9]));
        polls.remove_waiter(first);
        assert_eq!(polls.count(), 1);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut polls = LongPolls::default();
        let added = (0..=LONG_POLLS_MAX).filter_map(|_| polls.add_waiter("a", &names(&[]), &[]));
        assert_eq!(added.count(), LONG_POLLS_MAX);
    }

    proptest! {
        /// Nothing new that concerns a node escapes it, whatever else happens meanwhile.
        #[test]
        fn nobody_sleeps_through_news(
            steps in prop::collection::vec((0usize..3, 1u64..9, 0u8..4, any::<bool>()), 1..40),
        ) {
            let mut polls = LongPolls::default();
            let numbers: Vec<_> = (0..4)
                .map(|node| polls.add_waiter(&format!("n{node}"), &names(&[]), &[0; 3]).unwrap())
                .collect();
            let mut due = [false; 4];
            let mut through = [0; 3];
            for (journal, more, node, takes) in steps {
                through[journal] += more;
                let nodes = BTreeSet::from([format!("n{node}")]);
                let news = News { through: through[journal], nodes, ..News::default() };
                polls.wake_concerned(journal, &news);
                due[usize::from(node)] = true;
                if takes {
                    for (number, due) in numbers.iter().zip(&mut due) {
                        prop_assert_eq!(polls.take_wakeup(*number), std::mem::take(due));
                    }
                }
            }
            prop_assert_eq!(polls.begin_check(Duration::ZERO), Some(through));
        }
    }
}
