//! The identity store, and what its refusals are to a caller.

use hedgeschool_web::{Problem, StatusCode};

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/identity",
        world: "client",
    });
}

pub use bindings::hedgeschool::identity::{clients, launches, people, secrets, types};

impl From<types::Error> for Problem {
    fn from(error: types::Error) -> Self {
        use types::Error;
        match error {
            Error::Invalid(rule) => Self::bad_request(rule),
            Error::Taken => Self::new(StatusCode::CONFLICT, "the name is taken: choose another"),
            Error::Busy => Self::busy(),
            Error::Full => Self::no_room(),
            other => Self::internal(format!("identity store: {other:?}")),
        }
    }
}
