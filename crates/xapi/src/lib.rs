//! xAPI statements as a pure library: the data model of versions 1.0.3 and 2.0 (IEEE 9274.1.1), every
//! rule with the section it comes from, and comparison for idempotence.
//!
//! A request body becomes [`Draft`]s with [`parse_batch`]; a record store [completes](Draft::complete)
//! them into [`Record`]s; [`Facts`] are what indexes and projections need to know of one. What a client
//! sent is kept as it was written: completion replaces and adds top-level properties and touches nothing
//! else.
//!
//! Around statements: [`mod@format`] reduces them to what an answer shows, [`multipart`] carries the data of their
//! attachments, [`signature`] checks those that are signed.
//!
//! Section numbers are those of xAPI 1.0.3, part two ("Data"), whose order 2.0 keeps.

mod activity;
mod actor;
mod attachment;
mod check;
mod context;
mod draft;
mod error;
mod facts;
mod fingerprint;
pub mod format;
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

pub use actor::agent_id;
pub use draft::{Draft, Record, Stamp, parse_batch, parse_one};
pub use error::{Error, Violation};
pub use facts::{Definition, Facts};
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
    /// Reads the `X-Experience-API-Version` header (part three, 3.3). None: a version not spoken here.
    pub fn parse(header: &str) -> Option<Self> {
        match header.trim() {
            "1.0" | "1.0.0" | "1.0.1" | "1.0.2" | "1.0.3" => Some(Self::V1_0),
            "2.0" | "2.0.0" => Some(Self::V2_0),
            _ => None,
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
