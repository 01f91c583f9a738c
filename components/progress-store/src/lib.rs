//! The store of statements: what was recorded, what it adds up to, and the journal that carries it
//! to other nodes. Owns the database `progress`; everyone else comes through
//! `hedgeschool:progress`.
//!
//! Every write of several steps is one insert into a view, whose trigger does them: statements,
//! projections, journal and cursor change together or not at all, durably, on every host.
//!
//! What is decided here is decided by pure functions and by the schema: [`select`] makes the query
//! of a filter, [`insertion`] the statement that stores a batch, [`merge`] what becomes of a
//! document that arrives. The tests run what they make against the schema.

mod attachments;
mod base64_text;
mod batch;
mod bindings;
mod clock;
mod completions;
mod conflict_entry;
mod database;
mod directory;
mod document_entry;
mod documents;
mod insertion;
mod journal;
mod merge;
mod node_state;
mod refusal;
#[cfg(test)]
mod schema_tests;
mod select;
mod sessions;
mod statements;
#[cfg(test)]
mod test_database;
#[cfg(test)]
mod test_statements;
mod traces;

hedgeschool_journal::export_journal!(
    bindings::Store,
    journal::Progress,
    crate::bindings::exports::hedgeschool::progress
);
