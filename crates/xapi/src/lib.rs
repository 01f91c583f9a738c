//! xAPI statements as a pure library: the data model of versions 1.0.3 and 2.0 (IEEE 9274.1.1),
//! every rule with the section it comes from, and comparison for idempotence.
//!
//! A request body becomes [`Draft`]s with [`parse_batch`]; a record store
//! [completes](Draft::complete) them into [`Record`]s; [`Facts`] are what indexes and projections
//! need to know of one. What a client sent is kept as it was written: completion replaces and adds
//! top-level properties and touches nothing else.
//!
//! Around statements: [`mod@format`] reduces them to what an answer shows, [`multipart`] carries
//! the data of their attachments, [`signature`] checks those that are signed.
//!
//! Section numbers are those of xAPI 1.0.3, part two ("Data"). What only 2.0 has is cited as
//! `2.0, 4.2.…`.

mod activity;
mod actor;
mod attachment;
mod check;
mod context;
mod draft;
mod duration;
mod error;
mod facts;
mod fingerprint;
pub mod format;
mod json;
mod lists;
mod members;
mod mentions;
pub mod multipart;
mod result;
mod scalar;
pub mod signature;
mod statement;
mod term;
mod timestamp;

pub use actor::{IDENTIFIERS, agent_id};
pub use draft::{Draft, Record, Stamp, parse_batch, parse_one};
pub use error::{Error, Violation};
pub use facts::{Definition, Facts};
pub use json::{Json, Object};
pub use scalar::{is_iri, parse_uuid};
pub use term::{Facet, term};
pub use timestamp::{format_http_date, format_timestamp, parse_timestamp};

/// Most statements one request may carry.
pub const BATCH_STATEMENTS_MAX: usize = 1_000;
/// Largest statement, in bytes of JSON.
pub const STATEMENT_BYTES_MAX: usize = 1_048_576;

/// The edition of the standard a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 1.0.0 to 1.0.3.
    V1_0,
    /// 2.0 (IEEE 9274.1.1).
    V2_0,
}

impl Version {
    /// Reads the `X-Experience-API-Version` header (part three, 3.3). None: a version not spoken
    /// here.
    ///
    /// `1.0` and every `1.0.x` are 1.0, as the standard demands; `2.0` and every `2.0.x` are 2.0.
    pub fn parse(header: &str) -> Option<Self> {
        let text = header.trim();
        if is_edition(text, "1.0") {
            Some(Self::V1_0)
        } else if is_edition(text, "2.0") {
            Some(Self::V2_0)
        } else {
            None
        }
    }

    /// What the response's header says.
    pub fn header(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.3",
            Self::V2_0 => "2.0.0",
        }
    }

    /// What a statement without a `version` gets (1.0.3, 2.4.10).
    fn of_statement(self) -> &'static str {
        match self {
            Self::V1_0 => "1.0.0",
            Self::V2_0 => "2.0.0",
        }
    }
}

/// What is in a value at the end of a path of properties.
fn part<'a, 'j>(value: &'a Json<'j>, path: &[&str]) -> Option<&'a Json<'j>> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// Says whether a version is an edition or a patch of it, by semantic versioning: `1.0`, `1.0.3`.
fn is_edition(version: &str, edition: &str) -> bool {
    match version.strip_prefix(edition) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('.').is_some_and(|patch| {
            !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit())
        }),
        None => false,
    }
}
