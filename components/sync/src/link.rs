//! What this node remembers of the node above.

use std::collections::{BTreeMap, BTreeSet};

use hedgeschool_replication::{Place, Position, Protocol};
use hedgeschool_web::Problem;
use serde::{Deserialize, Serialize};

use crate::pull::Exchange;
use crate::push::{Outbox, Peer};
use crate::stores::{Error, Journal, node_state};

/// What this node remembers of its upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The upstream's address.
    pub url: String,
    /// Its id, once it has told.
    pub node: String,
    /// When it was last reached, in microseconds since 1970.
    pub reached: i64,
    /// How far its clock is ahead of this one's, in microseconds.
    pub skew: i64,
    /// Since when it has not been reached. None: it has.
    pub failing_since: Option<i64>,
    /// For how long it has been left alone since then, in milliseconds: clocks jump, and this does
    /// not.
    #[serde(default)]
    pub paused_ms: u64,
    /// Why.
    pub problem: Option<String>,
    /// What to do about it.
    #[serde(default)]
    pub advice: Option<String>,
    /// Whether the upstream turned this node away: it will again, until somebody does something.
    #[serde(default)]
    pub is_refused: bool,
    /// How far it has each journal, and in which epoch.
    pub journals: BTreeMap<String, (String, Position)>,
    /// Which version of the protocol it speaks.
    #[serde(default)]
    pub protocol: Protocol,
    /// Version of its software. Empty: it has not told.
    #[serde(default)]
    pub version: String,
    /// Which version this node spoke when it read the upstream's journals.
    #[serde(default)]
    pub read_as: Protocol,
    /// Kinds of entries that the upstream did not know, by journal: it was not sent them.
    #[serde(default)]
    pub withheld: BTreeMap<String, BTreeSet<String>>,
}

impl Link {
    /// What is remembered of this upstream.
    pub async fn load(url: &str) -> Result<Self, Problem> {
        let state = node_state::upstream(url.to_owned()).await.map_err(Error::from)?;
        match state {
            Some(state) => Ok(serde_json::from_str(&state).map_err(Error::unreadable)?),
            None => Ok(Self { url: url.to_owned(), ..Self::default() }),
        }
    }

    /// How far the upstream had a journal of this epoch.
    pub fn held(&self, journal: Journal, epoch: &str) -> Option<Place> {
        let (known, position) = self.journals.get(journal.name())?;
        (known == epoch && position.through.sequence > 0).then(|| position.through.clone())
    }

    /// How far the upstream has a journal of this epoch.
    pub fn position(&self, journal: Journal, epoch: &str) -> Position {
        let known = self.journals.get(journal.name()).filter(|(known, _)| known == epoch);
        known.map(|(_, position)| position.clone()).unwrap_or_default()
    }

    /// With what the upstream has of the journals now.
    pub fn with_places(mut self, outboxes: &[Outbox]) -> Self {
        for outbox in outboxes {
            let (epoch, position) = outbox.place();
            let place = (epoch.to_owned(), position.clone());
            self.journals.insert(outbox.journal().name().to_owned(), place);
        }
        self
    }

    /// Keeps it.
    pub async fn save(&self) -> Result<(), Problem> {
        let state = serde_json::to_string(self).map_err(Problem::internal)?;
        match node_state::set_upstream(self.url.clone(), state).await.map_err(Error::from) {
            // What is not kept is asked again: a full disk does not stop what goes up.
            Err(Error::Full) => Ok(()),
            saved => Ok(saved?),
        }
    }

    /// Whether something of a journal was withheld that the upstream knows by now.
    pub fn is_awaited(&self, journal: Journal, protocol: Protocol) -> bool {
        let mut withheld = self.withheld.get(journal.name()).into_iter().flatten();
        withheld.any(|kind| protocol.knows(journal.name(), kind))
    }

    /// Whether the upstream's journals are to be read again, because it withheld what this node
    /// knows by now.
    pub fn has_learnt(&self) -> bool {
        let ours = Protocol::OURS;
        Journal::ALL.iter().any(|journal| ours.adds_to(journal.name(), self.read_as))
    }

    /// Notes what the upstream is and was not sent.
    pub fn meet(&mut self, peer: &Peer<'_>, version: &str, outboxes: &[Outbox]) {
        self.node = peer.name.to_owned();
        (self.protocol, self.version) = (peer.protocol, version.to_owned());
        self.read_as = Protocol::OURS;
        for outbox in outboxes {
            let journal = outbox.journal().name();
            let withheld = self.withheld.entry(journal.to_owned()).or_default();
            withheld.extend(outbox.withheld().iter().cloned());
            withheld.retain(|kind| !peer.protocol.knows(journal, kind));
        }
        self.withheld.retain(|_, kinds| !kinds.is_empty());
    }

    /// Whether the upstream has lost what it said it had.
    pub fn has_lost(&self, exchange: &Exchange) -> bool {
        exchange.applied.iter().any(|(journal, now)| {
            let epoch_here = &now.standing.cursor.epoch;
            let then = self.journals.get(*journal).filter(|(epoch, _)| epoch == epoch_here);
            then.is_some_and(|(_, then)| then.is_lost(&now.position))
        })
    }
}
