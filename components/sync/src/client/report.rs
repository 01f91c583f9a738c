use serde::Serialize;

/// What a round did.
#[derive(Debug, Default, Serialize)]
pub struct RoundReport {
    /// Entries that the upstream applied.
    pub pushed: u64,
    /// Entries that came from it.
    pub pulled: u64,
    /// Bytes of courses that came from it.
    pub fetched_bytes: u64,
    /// Tick again at once: entries are left, or the round was one that lingers.
    pub more: bool,
    /// How long to leave the upstream alone.
    pub retry_after_seconds: Option<f64>,
    /// Why the round ended early.
    pub problem: Option<String>,
}

impl RoundReport {
    /// Whether it moved anything.
    pub fn has_worked(&self) -> bool {
        self.pushed + self.pulled + self.fetched_bytes > 0
    }
}
