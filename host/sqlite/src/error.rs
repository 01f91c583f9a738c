use rusqlite::ErrorCode;

/// Why a database call failed.
///
/// The text of [`Error::Sqlite`] is SQLite's own, so guests that look for "UNIQUE constraint
/// failed" find it; every other text says what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database file cannot be opened or is no SQLite database.
    #[error("cannot open the database {path}: {reason}")]
    Open {
        /// The path as it was given.
        path: String,
        /// What the operating system or SQLite answered.
        reason: String,
    },
    /// SQLite refused the statement: syntax, a constraint, a missing table, an I/O failure.
    #[error("{message}")]
    Sqlite {
        /// SQLite's extended result code.
        code: i32,
        /// SQLite's message.
        message: String,
    },
    /// The disk or the database is full; nothing of the statement was kept.
    #[error("the database or its disk is full: free some space and repeat the statement")]
    Full,
    /// Somebody else held the database too long. Nothing happened: repeat the statement.
    #[error("database is locked: {0}; repeat the statement")]
    Busy(String),
    /// The statement, its parameters or its result exceed a limit.
    #[error("{what} is larger than {bytes_max} bytes: {advice}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The limit, in bytes.
        bytes_max: usize,
        /// How to stay below it.
        advice: &'static str,
    },
    /// This host does not run such a statement; the text says why.
    #[error("refused: {0}")]
    Refused(String),
    /// The statement ran longer than it may and was undone.
    #[error("the statement was stopped after {seconds} s: make it smaller or give it an index")]
    Timeout {
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The caller went away before the statement was done.
    #[error("the statement was cancelled")]
    Cancelled,
    /// The guest's transaction was rolled back by the host before this statement.
    #[error("the transaction was rolled back: {0}")]
    TransactionLost(String),
    /// The database was closed, or the thread that serves it has died.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    /// Whether the database's file is damaged: what is in it cannot be trusted.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        let Self::Sqlite { code, .. } = self else { return false };
        // The lowest byte is the primary code.
        matches!(code & 0xff, rusqlite::ffi::SQLITE_CORRUPT | rusqlite::ffi::SQLITE_NOTADB)
    }

    /// SQLite's generic error with a message in SQLite's own words.
    pub(crate) fn sqlite_error(message: impl Into<String>) -> Self {
        Self::Sqlite { code: rusqlite::ffi::SQLITE_ERROR, message: message.into() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, message) => from_code(code, message),
            rusqlite::Error::SqlInputError { error, msg, .. } => from_code(error, Some(msg)),
            rusqlite::Error::MultipleStatement => Self::Refused(ONE_STATEMENT.into()),
            other => Self::sqlite_error(other.to_string()),
        }
    }
}

/// Said wherever a string with several statements is met: SQLite would run the first and forget
/// the others without a word.
pub(crate) const ONE_STATEMENT: &str = "one statement a call: send the statements one by one, \
     between BEGIN and COMMIT if they belong together";

fn from_code(error: rusqlite::ffi::Error, message: Option<String>) -> Error {
    match error.code {
        ErrorCode::DiskFull => Error::Full,
        // The index of the write-ahead log, which is a file too, cannot grow.
        _ if error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => Error::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Error::Busy("another process holds the file".into())
        }
        _ => Error::Sqlite {
            code: error.extended_code,
            message: message.unwrap_or_else(|| error.to_string()),
        },
    }
}
