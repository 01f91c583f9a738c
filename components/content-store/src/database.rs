//! The database, and its schema.

use hedgeschool_sql::{Database, connection_slot};

connection_slot!(CONNECTION);

/// Packages, blobs and uploads.
pub static DATABASE: Database = Database {
    label: "content",
    migrations: &[
        hedgeschool_journal::SCHEMA,
        include_str!("../migrations/0001-packages.sql"),
        include_str!("../migrations/0002-uploads.sql"),
        include_str!("../migrations/0003-withdrawn.sql"),
        hedgeschool_journal::CHECKPOINTS,
        include_str!("../migrations/0004-checkpoints.sql"),
    ],
    restored: hedgeschool_journal::RESTORED,
    new_file: &["PRAGMA auto_vacuum = INCREMENTAL", "VACUUM"],
    slot: &CONNECTION,
};

hedgeschool_sql::described!(DATABASE);
