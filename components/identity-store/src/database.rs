//! The database `identity`.

use hedgeschool_sql::{Database, connection_slot};

connection_slot!(CONNECTION);

/// What the store keeps, and where.
pub static DATABASE: Database = Database {
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
