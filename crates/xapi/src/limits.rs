//! How much one request may bring.

/// Most statements one request may carry.
pub const BATCH_STATEMENTS_MAX: usize = 1_000;
/// Largest statement, in bytes of JSON.
pub const STATEMENT_BYTES_MAX: usize = 1_048_576;
