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
mod limits;
mod lists;
mod members;
mod mentions;
pub mod multipart;
mod parties;
mod result;
mod scalar;
mod scan;
pub mod signature;
mod statement;
mod term;
mod timestamp;
mod version;

pub use actor::{IDENTIFIERS, agent_id};
pub use draft::{Draft, Record, Stamp, parse_batch, parse_one};
pub use error::{Error, NotJson, Violation};
pub use facts::Facts;
pub use json::{Json, Object};
pub use limits::{BATCH_STATEMENTS_MAX, STATEMENT_BYTES_MAX};
pub use mentions::Definition;
pub use parties::Parties;
pub use scalar::{is_iri, parse_uuid};
pub use term::{Facet, term};
pub use timestamp::{format_http_date, format_timestamp, parse_timestamp};
pub use version::Version;
