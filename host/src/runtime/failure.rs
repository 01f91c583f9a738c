//! Why a component gave no response.

/// Why a component gave no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServiceFailure {
    /// All instances are busy and enough requests wait already.
    #[error("too busy")]
    Busy,
    /// No response head in time.
    #[error("timed out")]
    TimedOut,
    /// The guest trapped, panicked or answered with an error code; the log has the reason.
    #[error("failed")]
    Failed,
}
