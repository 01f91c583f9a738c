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
    /// A trigger refused: it raised `hedgeschool: CODE`, and this is the code, a word of lower-case
    /// letters. What it means is the schema's to say.
    #[error("the schema refuses: {0}")]
    Raised(String),
    /// Anything else SQLite or the host reports.
    #[error("sqlite: {0}")]
    Sqlite(String),
}

/// What texts that triggers raise begin with, before a code.
const RAISED: &str = "hedgeschool: ";

impl Error {
    /// The code that a trigger raised. None: this is another error.
    pub fn raised(&self) -> Option<&str> {
        match self {
            Self::Raised(code) => Some(code),
            _ => None,
        }
    }
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
            sqlite::Error::Io(text) => match raised_code(&text) {
                Some(code) => Self::Raised(code.to_owned()),
                None => Self::Sqlite(text),
            },
        }
    }
}

/// The code in the text of an error that a trigger raised. Hosts put words of their own around it.
fn raised_code(text: &str) -> Option<&str> {
    let (_, after) = text.split_once(RAISED)?;
    let length = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
    after.get(..length).filter(|code| !code.is_empty())
}

/// SQLite's words for SQLITE_BUSY and SQLITE_LOCKED.
fn is_busy(text: &str) -> bool {
    text.contains("is locked") || text.contains("busy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_whatever_is_around_it() {
        let raised = |text: &str| {
            let error = Error::from(sqlite::Error::Io(text.to_owned()));
            error.raised().map(str::to_owned)
        };
        assert_eq!(raised("hedgeschool: moved").as_deref(), Some("moved"));
        assert_eq!(raised("hedgeschool: stale in INSERT INTO x").as_deref(), Some("stale"));
        assert_eq!(raised("Failure(\"hedgeschool: moved\")").as_deref(), Some("moved"));
        assert_eq!(raised("hedgeschool: "), None);
        assert_eq!(raised("no such table: moved"), None);
    }
}
