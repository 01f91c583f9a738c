//! How failures of the database are told to callers.

use crate::bindings::exports::hedgeschool::content::types::Error;

hedgeschool_journal::store_errors!(Error);

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("the store's own JSON: {error}"))
    }
}
