//! What this node remembers of the node above.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hedgeschool_replication::{Checkpoint, Position, Protocol, Stamp};
use serde::{Deserialize, Serialize};

use crate::client::failure::UpstreamFailure;
use crate::error::{Result, SyncError, tolerate_full};
use crate::store::{Journal, node_state, read_or_begin};

/// What this node remembers of its upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamState {
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

/// What a round has learnt of a journal on its way up.
#[derive(Clone, Debug)]
pub struct JournalProgress {
    /// Which journal.
    pub journal: Journal,
    /// Its epoch.
    pub epoch: String,
    /// How far the upstream has applied it.
    pub position: Position,
    /// Kinds of entries that were passed over, because the upstream does not know them.
    pub withheld: BTreeSet<String>,
}

/// The node above, as it tells of itself at the start of a round.
#[derive(Clone, Debug)]
pub struct UpstreamPeer {
    /// Its id.
    pub name: String,
    /// Which version of the protocol it speaks.
    pub protocol: Protocol,
    /// Version of its software. Empty: it does not say.
    pub version: String,
}

impl UpstreamState {
    /// What is remembered of the upstream at this address.
    pub async fn load(url: &str) -> Result<Self> {
        let state = node_state::upstream(url.to_owned()).await?;
        let state: Self = state.map(|it| read_or_begin("the node above", &it)).unwrap_or_default();
        Ok(Self { url: url.to_owned(), ..state })
    }

    /// Keeps it.
    pub async fn save(&self) -> Result<()> {
        let state = serde_json::to_string(self).map_err(SyncError::Unwritable)?;
        let saved = node_state::set_upstream(self.url.clone(), state).await;
        // What is not kept is asked again: a full disk does not stop what goes up.
        tolerate_full(saved.map_err(SyncError::from))
    }

    /// Whether it is worth asking the upstream for something that somebody waits for.
    pub fn is_reachable(&self) -> bool {
        !self.node.is_empty() && self.failing_since.is_none()
    }

    /// The checkpoint through which the upstream is known to have a journal of this epoch. None:
    /// it is known to have none of it.
    pub fn known_checkpoint(&self, journal: Journal, epoch: &str) -> Option<Checkpoint> {
        let (known, position) = self.journals.get(journal.name())?;
        (known == epoch && position.through.sequence > 0).then(|| position.through.clone())
    }

    /// How far the upstream is known to have a journal of this epoch.
    pub fn known_position(&self, journal: Journal, epoch: &str) -> Position {
        let known = self.journals.get(journal.name()).filter(|(known, _)| known == epoch);
        known.map(|(_, position)| position.clone()).unwrap_or_default()
    }

    /// With what the upstream has of the journals now.
    #[must_use]
    pub fn with_positions(mut self, progress: &[JournalProgress]) -> Self {
        for JournalProgress { journal, epoch, position, .. } in progress {
            let known = (epoch.clone(), position.clone());
            self.journals.insert(journal.name().to_owned(), known);
        }
        self
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

    /// Records what the upstream is and was not sent.
    pub fn record_peer(&mut self, peer: &UpstreamPeer, progress: &[JournalProgress]) {
        self.node.clone_from(&peer.name);
        (self.protocol, self.version) = (peer.protocol, peer.version.clone());
        self.read_as = Protocol::OURS;
        for of_journal in progress {
            let journal = of_journal.journal.name();
            let withheld = self.withheld.entry(journal.to_owned()).or_default();
            withheld.extend(of_journal.withheld.iter().cloned());
            withheld.retain(|kind| !peer.protocol.knows(journal, kind));
        }
        self.withheld.retain(|_, kinds| !kinds.is_empty());
    }

    /// Records that the upstream was reached.
    pub fn record_contact(&mut self, now: Stamp, skew: Stamp) {
        (self.reached, self.skew) = (now, skew);
    }

    /// Forgets what was wrong: the upstream answers.
    pub fn clear_problem(&mut self) {
        (self.failing_since, self.problem) = (None, None);
        (self.advice, self.is_refused) = (None, false);
    }

    /// Records that a round ended as it should: nothing is wrong any more.
    pub fn record_success(&mut self) {
        self.clear_problem();
        self.paused_ms = 0;
    }

    /// For how long rounds have failed, by the pauses between them. `has_worked`: the one that has
    /// just failed did something first, and so begins to count anew: a link that comes and goes is
    /// used whenever it is there.
    pub fn begin_failure(&mut self, has_worked: bool, now: Stamp) -> Duration {
        if has_worked {
            (self.failing_since, self.paused_ms) = (None, 0);
        }
        self.failing_since.get_or_insert(now);
        Duration::from_millis(self.paused_ms)
    }

    /// Records why a round failed, and how long the upstream is left alone.
    pub fn record_failure(&mut self, failure: &UpstreamFailure, pause: Duration) {
        let pause_ms = pause.as_millis().try_into().unwrap_or(u64::MAX);
        self.paused_ms = self.paused_ms.saturating_add(pause_ms);
        self.problem = Some(failure.to_string());
        self.advice = Some(failure.advice().to_owned());
        self.is_refused = matches!(failure, UpstreamFailure::Refused(..));
    }

    /// Whether the upstream has lost something of a journal of this epoch that it said it had: it
    /// has so much of it now.
    pub fn is_lost(&self, journal: Journal, epoch: &str, now: &Position) -> bool {
        let then = self.journals.get(journal.name()).filter(|(known, _)| known == epoch);
        then.is_some_and(|(_, then)| then.is_lost_by(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(sequence: u64, withheld: &[&str]) -> JournalProgress {
        let through = Checkpoint { sequence, token: "t".to_owned() };
        JournalProgress {
            journal: Journal::Progress,
            epoch: "e".to_owned(),
            position: Position { through, fresh: None },
            withheld: withheld.iter().map(|&kind| kind.to_owned()).collect(),
        }
    }

    fn peer(protocol: Protocol) -> UpstreamPeer {
        UpstreamPeer { name: "hub".to_owned(), protocol, version: String::new() }
    }

    #[test]
    fn it_is_stored_as_earlier_releases_did() {
        let mut state = UpstreamState { url: "http://hub".to_owned(), ..Default::default() }
            .with_positions(&[progress(7, &[])]);
        state.record_contact(17, -3);
        let text = r#"{"url":"http://hub","node":"","reached":17,"skew":-3,"failing_since":null,
            "paused_ms":0,"problem":null,"advice":null,"is_refused":false,
            "journals":{"progress":["e",{"through":{"sequence":7,"receipt":"t"}}]},
            "protocol":1,"version":"","read_as":1,"withheld":{}}"#;
        let text: String = text.lines().map(str::trim_start).collect();
        assert_eq!(serde_json::to_string(&state).unwrap(), text);
        let first = r#"{"url":"u","node":"","reached":0,"skew":0,"failing_since":null,
            "problem":null,"journals":{}}"#;
        let first: UpstreamState = serde_json::from_str(first).unwrap();
        assert_eq!(first, UpstreamState { url: "u".to_owned(), ..Default::default() });
    }

    #[test]
    fn what_is_known_is_of_one_epoch() {
        let state = UpstreamState::default().with_positions(&[progress(7, &[])]);
        let known = |epoch| state.known_checkpoint(Journal::Progress, epoch);
        assert_eq!(known("e").map(|known| known.sequence), Some(7));
        assert_eq!((known("f"), state.known_checkpoint(Journal::Content, "e")), (None, None));
        assert_eq!(state.known_position(Journal::Progress, "f"), Position::default());
        let less = progress(6, &[]).position;
        assert!(state.is_lost(Journal::Progress, "e", &less));
        assert!(!state.is_lost(Journal::Progress, "f", &less));
        assert!(!state.is_lost(Journal::Progress, "e", &progress(7, &[]).position));
    }

    #[test]
    fn what_was_withheld_is_awaited_once_the_upstream_knows_it() {
        let mut state = UpstreamState::default();
        state.record_peer(&peer(Protocol(0)), &[progress(0, &["statement"])]);
        assert!(!state.is_awaited(Journal::Progress, Protocol(0)));
        assert!(state.is_awaited(Journal::Progress, Protocol::FIRST));
        state.record_peer(&peer(Protocol::FIRST), &[progress(0, &[])]);
        assert!(!state.is_awaited(Journal::Progress, Protocol::FIRST));
        assert!(state.withheld.is_empty() && !state.has_learnt());
    }

    #[test]
    fn failures_add_up_until_a_round_does_something() {
        let mut state = UpstreamState { node: "hub".to_owned(), ..Default::default() };
        let down = UpstreamFailure::Down("no answer in time".to_owned());
        assert_eq!(state.begin_failure(false, 100), Duration::ZERO);
        state.record_failure(&down, Duration::from_secs(1));
        assert!(!state.is_reachable() && !state.is_refused);
        assert_eq!(state.begin_failure(false, 200), Duration::from_secs(1));
        state.record_failure(&down, Duration::from_secs(2));
        assert_eq!((state.failing_since, state.paused_ms), (Some(100), 3_000));
        assert_eq!(state.begin_failure(true, 300), Duration::ZERO);
        assert_eq!(state.failing_since, Some(300));
        state.record_success();
        assert!(state.is_reachable() && state.problem.is_none() && state.paused_ms == 0);
    }
}
