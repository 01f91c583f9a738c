//! Checks course packages and journals without a node: a thin command over the crates with which
//! nodes do it.
//!
//! It runs natively and, built for WASI 0.1, in any engine that runs such modules. How, and what is
//! not checked, says `docs/verifier.md`.
//!
//! * [`Request`]: what to check, as the command line has it.
//! * [`Package`]: a course package as an import would see it.
//! * [`Journals`]: messages of nodes, in the order in which they were sent.

mod error;
mod files;
mod journal;
mod package;
mod request;

pub use error::Error;
pub use journal::{Journals, Outline, Way};
pub use package::Package;
pub use request::{Request, Verdict};
