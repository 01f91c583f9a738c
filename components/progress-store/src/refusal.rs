//! What the database's procedures refuse.

use hedgeschool_sql::Error as SqlError;

use crate::bindings::types::Error;

hedgeschool_journal::store_errors!(Error);

/// Why a procedure refused what it was asked to do, by the code in the text of the error that it
/// raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An id is taken by another statement.
    Conflict,
    /// A document is not as the precondition wants it.
    Precondition,
}

impl Refusal {
    /// The refusal that an error tells of. None: something failed.
    pub fn of(error: &SqlError) -> Option<Self> {
        let code = error.raised()?;
        [Self::Conflict, Self::Precondition].into_iter().find(|it| it.code() == code)
    }

    /// What migrations raise.
    fn code(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Precondition => "precondition",
        }
    }
}
