//! How failures of the database are told to callers.

use crate::bindings::exports::hedgeschool::content::types::Error;

impl From<hedgeschool_sql::Error> for Error {
    fn from(error: hedgeschool_sql::Error) -> Self {
        match error {
            hedgeschool_sql::Error::Busy => Self::Busy,
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("the store's own JSON: {error}"))
    }
}
