use hedgeschool_journal_types::types;
use hedgeschool_sql::Error as SqlError;

/// Why a call of the journal failed.
#[derive(Debug)]
pub enum Error {
    /// The request breaks a rule; says which.
    Invalid(String),
    /// An entry is none of the sender's business; says which.
    Forbidden(String),
    /// What a batch advances is not where the batch says.
    Moved,
    /// What is stored cannot be read; says what.
    Unreadable(String),
    /// The database failed.
    Sql(SqlError),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(text) | Self::Forbidden(text) | Self::Unreadable(text) => {
                f.write_str(text)
            }
            Self::Moved => f.write_str("what the batch advances is not where it says"),
            Self::Sql(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sql(error) => Some(error),
            _ => None,
        }
    }
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(rule) => Self::Invalid(rule),
            Error::Forbidden(rule) => Self::Forbidden(rule),
            Error::Moved => Self::Moved,
            Error::Unreadable(what) => Self::Other(what),
            Error::Sql(SqlError::Busy) => Self::Busy,
            Error::Sql(SqlError::Full) => Self::Full,
            Error::Sql(error) => Self::Other(error.to_string()),
        }
    }
}

/// Makes a store's error, a WIT variant, of the database's and the journal's.
#[macro_export]
macro_rules! store_errors {
    ($error:ty) => {
        impl From<$crate::SqlError> for $error {
            fn from(error: $crate::SqlError) -> Self {
                match error {
                    $crate::SqlError::Busy => Self::Busy,
                    $crate::SqlError::Full => Self::Full,
                    other => Self::Other(other.to_string()),
                }
            }
        }

        impl From<$crate::Error> for $error {
            fn from(error: $crate::Error) -> Self {
                match error {
                    $crate::Error::Invalid(rule) => Self::Invalid(rule),
                    $crate::Error::Sql(error) => error.into(),
                    other => Self::Other(other.to_string()),
                }
            }
        }
    };
}
