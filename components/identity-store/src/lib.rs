//! The store of people, clients and their rights. Owns the database `identity`; everyone else
//! comes through `hedgeschool:identity`. It sees hashes only: of passwords, and of tokens.

mod clients;
mod journal;
mod launches;
mod people;
mod rules;
#[cfg(test)]
mod schema_tests;
mod secrets;

use hedgeschool_sql::{Database, connection_slot};

#[allow(missing_docs, reason = "generated; the WIT documents it")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/identity",
        world: "store",
        with: { "hedgeschool:journal/types@0.1.0": hedgeschool_journal::types },
    });
}

use bindings::exports::hedgeschool::identity::types;

connection_slot!(CONNECTION);

static DATABASE: Database = Database {
    label: "identity",
    migrations: &[
        hedgeschool_journal::SCHEMA,
        include_str!("../migrations/1.sql"),
        include_str!("../migrations/2.sql"),
        hedgeschool_journal::CHECKPOINTS,
        include_str!("../migrations/3.sql"),
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
    journal::Identity,
    crate::bindings::exports::hedgeschool::identity
);
