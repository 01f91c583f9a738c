//! The database `progress`, and how its schema came to be.

use hedgeschool_sql::{Database, connection_slot};

connection_slot!(CONNECTION);

/// The database of this store.
pub static DATABASE: Database = Database {
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
