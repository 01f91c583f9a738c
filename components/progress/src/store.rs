//! The store behind `hedgeschool:progress`, as this component sees it.

use hedgeschool_web::{Problem, StatusCode};

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "client",
    });
}

pub use bindings::hedgeschool::progress::{
    attachments, completions, directory, documents, sessions, statements, traces, types,
};

/// The query that all statements match, newest first: what a query of some sets more of.
pub fn match_all(limit: u32) -> types::Filter {
    types::Filter {
        agent: None,
        related_agents: false,
        verb: None,
        activity: None,
        related_activities: false,
        registration: None,
        authority: None,
        since: None,
        until: None,
        ascending: false,
        limit,
        after: None,
    }
}

impl From<types::Error> for Problem {
    fn from(error: types::Error) -> Self {
        use types::Error;
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Conflict(ids) => {
                let ids = ids.join(", ");
                let detail = format!("these ids are taken by other statements: {ids}");
                Self::new(StatusCode::CONFLICT, detail)
            }
            Error::Precondition => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "the document is not the one that If-Match or If-None-Match speaks of: get it anew",
            ),
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            Error::Other(reason) => Self::internal(reason),
        }
    }
}
