use std::io;
use std::path::PathBuf;

use hedgeschool_replication::wire::WireError;

/// How the command is used.
const USAGE: &str = "usage: hedge-verify [--trap] package FILE.zip|FOLDER…
       hedge-verify [--trap] journal FILE.json|FOLDER…
--trap: end with a trap in place of exit code 1 or 2";

/// Why something was refused, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for nothing that there is.
    #[error("{0}\n{usage}", usage = USAGE)]
    Usage(String),
    /// A file or folder cannot be read, or what was found cannot be printed.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file is larger than what is read of one.
    #[error("has more than {0} bytes")]
    TooLarge(usize),
    /// A package breaks a rule.
    #[error(transparent)]
    Package(#[from] hedgeschool_package::Error),
    /// A message of a journal breaks a rule.
    #[error("message {number}: {rule}")]
    Message {
        /// Which one of its file, from 1.
        number: usize,
        /// The rule.
        rule: Box<Self>,
    },
    /// One of the rules of what goes over the wire.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// Another JSON than that of a message, or none.
    #[error("neither a batch nor the answer to a pull: {0}")]
    Shape(String),
    /// Of a journal that nodes do not have.
    #[error("this node has no journal {0:?}")]
    Journal(String),
    /// Of a kind that nodes do not know.
    #[error("entry {sequence}: this node knows no entries of kind {kind:?}")]
    Kind {
        /// The entry.
        sequence: u64,
        /// The kind.
        kind: String,
    },
    /// A statement that no node would have recorded.
    #[error("entry {0} is not a complete statement")]
    Statement(u64),
    /// Something between this and what came before is missing.
    #[error("entries before these are missing: the journal is here through {0}")]
    Gap(u64),
    /// It came before.
    #[error("these entries came before: the journal is here through {0}")]
    Repeat(u64),
    /// A page that is not in order.
    #[error("the sequences of a page grow, and end where it leads")]
    Order,
}

impl Error {
    /// Whether something was looked at and refused.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Usage(_) | Self::Io { .. })
    }
}
