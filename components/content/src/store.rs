//! The content store, as this component uses it, and how its failures look over HTTP.

#[allow(missing_docs)]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/content",
        world: "replica",
        generate_all,
        additional_derives: [serde::Serialize],
    });
}

use bindings::hedgeschool::journal::types::Error as JournalError;
use hedgeschool_web::{Problem, StatusCode};

pub use bindings::hedgeschool::content::journal;
pub use bindings::hedgeschool::content::packages::*;
pub use bindings::hedgeschool::content::types::{Block, LaunchMethod, MoveOn, Unit};
pub use bindings::hedgeschool::content::uploads;

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Busy => Self::busy(),
            other => Self::internal(format!("content store: {other:?}")),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(reason) => Self::bad_request(reason),
            Error::TooLarge(limit) => Self::too_large(limit),
            // Every blob that is named here was put, or read from the store, a moment before.
            Error::MissingBlob(hash) => Self::internal(format!("blob {hash} is missing")),
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            Error::Away => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the course's files were given up to make room, and are fetched again: try again \
                 in a while",
            )
            .with_header("retry-after", "30"),
            other => Self::internal(format!("content store: {other:?}")),
        }
    }
}
