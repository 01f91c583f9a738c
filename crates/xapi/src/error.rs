use std::sync::Arc;

use crate::limits::{BATCH_STATEMENTS_MAX, STATEMENT_BYTES_MAX};

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body is not JSON.
    #[error("the body is not valid JSON: {0}")]
    Json(#[source] NotJson),
    /// The body is JSON, but neither a statement nor an array of statements.
    #[error("the body must be a statement or an array of statements")]
    NotStatements,
    /// More than [`crate::BATCH_STATEMENTS_MAX`].
    #[error("a request may carry at most {} statements", BATCH_STATEMENTS_MAX)]
    TooMany,
    /// A statement has more than [`crate::STATEMENT_BYTES_MAX`].
    #[error("statements[{index}]: a statement may have at most {} bytes", STATEMENT_BYTES_MAX)]
    TooLarge {
        /// Position in the batch, from 0.
        index: usize,
    },
    /// Two statements of a batch share an id, and differ or speak 2.0.
    #[error("statements[{index}]: the id {id} is that of another statement in the same batch")]
    RepeatedId {
        /// Position of the later one.
        index: usize,
        /// The id.
        id: String,
    },
    /// A statement breaks a rule.
    #[error("statements[{index}]: {violation}")]
    Invalid {
        /// Position in the batch, from 0.
        index: usize,
        /// Where and which.
        violation: Violation,
    },
}

/// What the parser says of a body that is not JSON. Equal if the words are.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotJson(#[source] Arc<serde_json::Error>);

impl PartialEq for NotJson {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for NotJson {}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(NotJson(Arc::new(error)))
    }
}

/// A broken rule: where, what, and where the standard says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule} (xAPI {section})")]
pub struct Violation {
    /// The property, as a path from the statement: `actor.account.homePage`.
    pub path: String,
    /// What is required.
    pub rule: String,
    /// Section of xAPI 1.0.3, part two; `2.0, …`: of IEEE 9274.1.1, for what only 2.0 has.
    pub section: &'static str,
}
