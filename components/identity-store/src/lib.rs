//! The store of people, clients and their rights. Owns the database `identity`; everyone else
//! comes through `hedgeschool:identity`. It sees hashes only: of passwords, and of tokens.

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings;
mod clients;
mod clock;
mod columns;
mod database;
mod entry;
mod journal;
mod launches;
mod namesakes;
mod people;
mod person;
mod rules;
mod secrets;

#[cfg(test)]
mod migrations_tests;
#[cfg(test)]
mod namesakes_tests;
#[cfg(test)]
mod statement_tests;

use bindings::{Store, types};

bindings::export!(Store with_types_in bindings);

hedgeschool_journal::store_errors!(types::Error);
hedgeschool_journal::export_journal!(
    Store,
    journal::Identity,
    crate::bindings::exports::hedgeschool::identity
);
