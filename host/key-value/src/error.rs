/// Why a key-value operation failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key, the value or the list of keys exceeds a limit.
    #[error("{what} is larger than {max} {unit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit.
        max: usize,
        /// What the limit counts.
        unit: &'static str,
    },
    /// The address of the Redis server cannot be used.
    #[error("this is not the address of a Redis server (redis://host:port/database): {0}")]
    Address(String),
    /// The Redis server did not answer in time, or cannot be reached.
    #[error("the Redis server cannot be reached: {0}")]
    Unavailable(String),
    /// The back end answered with an error.
    #[error("{0}")]
    Backend(String),
}
