//! Events that components name, which only they can see: a password that was wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// A response that has this header is counted under the name that it gives. Nobody outside sees it.
pub const EVENT: &str = "hedge-event";
/// So many names there may be, of all components together: a name is no place for a learner.
const NAMES_MAX: usize = 32;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

#[derive(Clone, Debug, EncodeLabelSet, Hash, PartialEq, Eq, PartialOrd, Ord)]
struct EventLabels {
    component: Arc<str>,
    event: String,
}

/// How often they happened.
#[derive(Clone, Default)]
pub struct Events {
    family: Family<EventLabels, Counter>,
    names: Arc<Mutex<BTreeSet<EventLabels>>>,
}

impl Events {
    /// Has a registry tell of them.
    pub(super) fn register_events(&self, registry: &mut Registry) {
        registry.register("events", "Events that components name", self.family.clone());
    }

    /// Counts what a component's response names, and takes the name out of it.
    pub fn count_event(&self, component: &Arc<str>, headers: &mut HeaderMap) {
        let Some(name) = headers.remove(EVENT) else { return };
        let legal = |c: &u8| c.is_ascii_lowercase() || *c == b'-';
        let name = name.to_str().unwrap_or_default();
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.as_bytes().iter().all(legal) {
            tracing::warn!("component {component} names an event that is no name: {name:?}");
            return;
        }
        let labels = EventLabels { component: component.clone(), event: name.to_owned() };
        if self.has_room(&labels) {
            self.family.get_or_create(&labels).inc();
        }
    }

    fn has_room(&self, labels: &EventLabels) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.contains(labels) || (names.len() < NAMES_MAX && names.insert(labels.clone()))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn counted(events: &Events, name: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(EVENT, HeaderValue::from_str(name).unwrap());
        events.count_event(&"identity".into(), &mut headers);
        assert!(headers.is_empty(), "nobody outside sees it");
        let labels = EventLabels { component: "identity".into(), event: name.to_owned() };
        events.family.get(&labels).map_or(0, |counter| counter.get())
    }

    #[test]
    fn events_are_counted_by_their_names() {
        let events = Events::default();
        assert_eq!(
            [counted(&events, "sign-in-refused"), counted(&events, "sign-in-refused")],
            [1, 2]
        );
        assert_eq!(counted(&events, "Ada Lovelace"), 0, "no name of an event");
    }

    #[test]
    fn names_are_few() {
        let events = Events::default();
        let letters = |n: usize| "a".repeat(n + 1);
        let counts: Vec<_> = (0..NAMES_MAX + 1).map(|n| counted(&events, &letters(n))).collect();
        assert_eq!(counts.iter().sum::<u64>(), NAMES_MAX as u64);
        assert_eq!(counts[NAMES_MAX], 0);
    }
}
