use std::fmt;
use std::sync::Arc;

/// Why a package was refused. The text names the file or element and the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no zip archive, or a damaged one.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The same, as the library says that reads zips.
    #[error("the archive cannot be read: {0}")]
    Zip(#[source] Cause),
    /// The archive is larger than a limit of [`crate::archive`]; says which.
    #[error("the archive {0}")]
    TooLarge(String),
    /// It is of no format that is known; says of which it could be.
    #[error("the package has none of these files: {0}")]
    Unknown(String),
    /// A file of the archive breaks a rule.
    #[error("{file:?} {rule}")]
    File {
        /// The file's name, as the archive has it.
        file: String,
        /// The rule, as the end of a sentence that starts with the name.
        rule: String,
    },
    /// What a manifest says of the course breaks a rule, or it is more than is read.
    #[error("{manifest}: {reason}")]
    Manifest {
        /// The file's name.
        manifest: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A manifest is not well-formed XML.
    #[error("{manifest}: {source}")]
    Xml {
        /// The file's name.
        manifest: &'static str,
        /// What is wrong.
        source: Cause,
    },
    /// An element of a manifest breaks a rule.
    #[error("{manifest}, line {line}: <{element}> {rule}")]
    Element {
        /// The file's name.
        manifest: &'static str,
        /// Where the element starts, from 1.
        line: u32,
        /// The element's name, with its id when it has one.
        element: String,
        /// The rule, as the end of a sentence that starts with the element.
        rule: String,
    },
}

impl Error {
    pub(crate) fn of_file(file: &str, rule: impl Into<String>) -> Self {
        Self::File { file: file.to_owned(), rule: rule.into() }
    }
}

/// An error of a library that led to one of ours. Two that read the same are equal.
#[derive(Clone, Debug)]
pub struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl Cause {
    pub(crate) fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }
}

impl PartialEq for Cause {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Cause {}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
