//! How a node stands, as its `sync` component answers it (`GET /sync/v1/status`), and the same in
//! words.

use serde::Deserialize;

use crate::words::{ago, bytes, clock, number, span};

/// What `sync` answers to whoever asks how the node stands.
#[derive(Deserialize)]
pub struct Status {
    /// This node's name.
    pub node: String,
    /// Version of its software.
    pub version: String,
    /// The node above. None: there is none.
    pub upstream: Option<Above>,
    /// The nodes below.
    pub nodes: Vec<Below>,
    /// Conflicts that nobody has settled.
    pub conflicts: u64,
    /// Courses on their way here.
    pub arriving: Vec<Arriving>,
    /// Its disk. None: nobody keeps count.
    #[serde(default)]
    pub storage: Option<Storage>,
    /// Its queue in Redis. None: it has no Redis.
    #[serde(default)]
    pub redis: Option<Redis>,
}

/// The queue of batches from below.
#[derive(Deserialize)]
pub struct Redis {
    /// Batches that wait to be applied. None: Redis does not say.
    pub queue: Option<u64>,
    /// Why it does not.
    pub problem: Option<String>,
}

impl Redis {
    /// How it is, in words.
    pub fn text(&self) -> String {
        match self.queue {
            Some(length) => format!("{} batches wait", number(length)),
            None => {
                let problem = self.problem.as_deref().unwrap_or_default();
                format!("of no help, and the node goes on without it: {problem}")
            }
        }
    }
}

/// The node above, as this one knows it.
#[derive(Deserialize)]
pub struct Above {
    /// Its address.
    pub url: String,
    /// Its name; empty until it has told.
    pub node: String,
    /// Since the last contact. None: there was none.
    pub seconds_since_contact: Option<i64>,
    /// For how long rounds have failed. None: the last one did not.
    pub seconds_failing: Option<i64>,
    /// Its clock against this one's.
    pub skew_seconds: f64,
    /// Whether that is too much.
    pub is_skewed: bool,
    /// Why the last round failed.
    pub problem: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// Whether it is that this node is turned away: waiting does not help.
    #[serde(default)]
    pub is_refused: bool,
    /// Entries that it has not applied.
    pub queue: u64,
    /// Age of the oldest of them.
    pub queue_age_seconds: u64,
    /// Version of its software; empty if it does not say.
    pub version: String,
    /// Whether it is of an earlier release, and takes less.
    pub is_older: bool,
    /// What it takes only after an upgrade.
    pub waits_for_upgrade: Vec<String>,
}

/// A node below, as it has told.
#[derive(Clone, Deserialize)]
pub struct Below {
    /// Its name.
    pub node: String,
    /// How many nodes are below it.
    pub serves: u64,
    /// Since it was last heard of.
    pub seconds_since_contact: i64,
    /// Whether that is long ago.
    pub is_silent: bool,
    /// Its clock against this one's.
    pub skew_seconds: f64,
    /// Whether that is too much.
    pub is_skewed: bool,
    /// Entries that it has not sent.
    pub queue: u64,
    /// Age of the oldest of them.
    pub queue_age_seconds: u64,
    /// Conflicts that nobody has settled there.
    pub conflicts: u64,
    /// Version of its software.
    pub version: String,
    /// What it takes only after an upgrade.
    pub waits_for_upgrade: Vec<String>,
    /// Its disk. None: it has not told.
    #[serde(default)]
    pub storage: Option<Storage>,
}

/// A course on its way here.
#[derive(Deserialize)]
pub struct Arriving {
    /// Its title.
    pub title: String,
    /// Bytes of it that are here.
    pub have_bytes: u64,
    /// Bytes that it has.
    pub bytes: u64,
}

/// What a node keeps, and may keep.
#[derive(Clone, Deserialize)]
pub struct Storage {
    /// Bytes that its stores take.
    pub used_bytes: u64,
    /// Bytes that they may take. None: no limit is set.
    pub limit_bytes: Option<u64>,
    /// Courses whose bytes were given up to make room.
    #[serde(default)]
    pub given_up: Vec<GivenUp>,
}

/// A course that is listed, and whose bytes are to come again.
#[derive(Clone, Deserialize)]
pub struct GivenUp {
    /// Its title.
    pub title: String,
}

impl Storage {
    /// How full it is, in percent. None: there is no limit.
    pub fn percent(&self) -> Option<u64> {
        self.used_bytes.saturating_mul(100).checked_div(self.limit_bytes?)
    }

    /// The same in words.
    pub fn text(&self) -> String {
        match (self.percent(), self.limit_bytes) {
            (Some(percent), Some(limit)) => {
                format!("{} of {} ({percent} %)", bytes(self.used_bytes), bytes(limit))
            }
            _ => bytes(self.used_bytes),
        }
    }
}

impl Above {
    /// How this node stands with it, for people and for the style sheet.
    pub fn standing(&self) -> (&'static str, &'static str) {
        match (self.seconds_failing, self.seconds_since_contact) {
            (Some(_), _) => ("Out of touch", "bad"),
            (None, None) => ("Not reached yet", "new"),
            (None, Some(_)) => ("In touch", "done"),
        }
    }

    /// For how long rounds have failed. None: the last one did not.
    pub fn failing(&self) -> Option<String> {
        self.seconds_failing.map(span)
    }

    /// Its version, in words.
    pub fn version(&self) -> String {
        if self.version.is_empty() {
            "0.1, which does not say".into()
        } else {
            self.version.clone()
        }
    }

    /// What is not sent to it, in words.
    pub fn withheld(&self) -> String {
        self.waits_for_upgrade.join(", ")
    }

    /// When it was last heard of.
    pub fn contact(&self) -> String {
        self.seconds_since_contact.map_or_else(|| "never".to_owned(), ago)
    }

    /// Its clock against this one's.
    pub fn clock(&self) -> String {
        clock(self.skew_seconds)
    }

    /// What waits for it.
    pub fn waiting(&self) -> String {
        match self.queue {
            0 => "nothing: it has everything".to_owned(),
            1 => format!("1 change, {} old", span(self.queue_age_seconds)),
            many => {
                let age = span(self.queue_age_seconds);
                format!("{} changes, the oldest {age} old", number(many))
            }
        }
    }
}

impl Below {
    /// What is not sent to it, in words.
    pub fn withheld(&self) -> String {
        self.waits_for_upgrade.join(", ")
    }

    /// When it was last heard of.
    pub fn contact(&self) -> String {
        ago(self.seconds_since_contact)
    }

    /// Its clock against this one's.
    pub fn clock(&self) -> String {
        clock(self.skew_seconds)
    }

    /// How old the oldest entry is that it has not sent.
    pub fn age(&self) -> String {
        span(self.queue_age_seconds)
    }
}
