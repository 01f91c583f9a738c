use spin_sdk::sqlite;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another writer held the database past the deadline. Trying later helps.
    #[error("the database is busy")]
    Busy,
    /// The disk is full, or the database has reached its limit.
    #[error("the database is full")]
    Full,
    /// The manifest does not grant this component the database.
    #[error("access to the database was not granted: add its label to sqlite_databases")]
    AccessDenied,
    /// The runtime configuration has no such database.
    #[error("no database of this label: add a [sqlite_database.LABEL] table to the runtime config")]
    NoSuchDatabase,
    /// The string holds more than one statement, of which hosts run the first only.
    #[error("more than one SQL statement in a string")]
    SeveralStatements,
    /// The database was written by a newer version of the software.
    #[error(
        "a later version of Hedgeschool wrote the database {label} (schema {found}, this version \
         knows {known}): run that version, or restore a backup that this one made"
    )]
    NewerSchema {
        /// The database's label.
        label: &'static str,
        /// The version in the file.
        found: usize,
        /// The newest version this component has a migration for.
        known: usize,
    },
    /// A row does not have the shape the caller expects.
    #[error("column {column} of a row is not {expected}")]
    Column {
        /// Index of the column, from 0.
        column: usize,
        /// The Rust type asked for.
        expected: &'static str,
    },
    /// Anything else SQLite or the host reports.
    #[error("sqlite: {0}")]
    Sqlite(String),
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        match error {
            sqlite::Error::AccessDenied => Self::AccessDenied,
            sqlite::Error::NoSuchDatabase => Self::NoSuchDatabase,
            sqlite::Error::DatabaseFull => Self::Full,
            sqlite::Error::InvalidConnection => Self::Sqlite("invalid connection".into()),
            // Hosts report SQLITE_BUSY only in words.
            sqlite::Error::Io(text) if is_busy(&text) => Self::Busy,
            sqlite::Error::Io(text) if text.contains("disk is full") => Self::Full,
            sqlite::Error::Io(text) => Self::Sqlite(text),
        }
    }
}

/// SQLite's words for SQLITE_BUSY and SQLITE_LOCKED.
fn is_busy(text: &str) -> bool {
    text.contains("is locked") || text.contains("busy")
}
