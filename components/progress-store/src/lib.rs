//! The store of statements: what was recorded, what it adds up to, and the journal that carries it
//! to other nodes. Owns the database `progress`; everyone else comes through
//! `hedgeschool:progress`.
//!
//! Every write of several steps is one insert into a view, whose trigger does them: statements,
//! projections, journal and cursor change together or not at all, durably, on every host.

mod attachments;
mod batch;
mod completions;
mod directory;
mod documents;
mod journal;
mod merge;
mod node_state;
#[cfg(test)]
mod schema_tests;
mod select;
#[cfg(test)]
mod select_tests;
mod sessions;
mod statements;
mod traces;

use hedgeschool_sql::{Database, connection_slot};

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/progress",
        world: "store",
        with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
    });
}

use bindings::exports::hedgeschool::progress::types;

connection_slot!(CONNECTION);

static DATABASE: Database = Database {
    label: "progress",
    migrations: &[
        hedgeschool_journal::SCHEMA,
        include_str!("../migrations/1.sql"),
        include_str!("../migrations/2.sql"),
        include_str!("../migrations/3.sql"),
        include_str!("../migrations/4.sql"),
        hedgeschool_journal::CHECKPOINTS,
        include_str!("../migrations/5.sql"),
    ],
    restored: hedgeschool_journal::RESTORED,
    new_file: &[],
    slot: &CONNECTION,
};

hedgeschool_sql::described!(DATABASE);

/// The component.
struct Store;

bindings::export!(Store with_types_in bindings);

hedgeschool_journal::store_errors!(types::Error);
hedgeschool_journal::export_journal!(
    Store,
    journal::Progress,
    crate::bindings::exports::hedgeschool::progress
);
