/// Why a package was refused. The text names the file or element and the rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no zip archive, or a damaged one.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// The archive is larger than a limit of [`crate::archive`]; says which.
    #[error("the archive {0}")]
    TooLarge(String),
    /// A file of the archive breaks a rule.
    #[error("{file:?} {rule}")]
    File {
        /// The file's name, as the archive has it.
        file: String,
        /// The rule, as the end of a sentence that starts with the name.
        rule: String,
    },
    /// `cmi5.xml` is not well-formed XML, or not the XML of a course structure.
    #[error("cmi5.xml: {0}")]
    Xml(String),
    /// An element of `cmi5.xml` breaks a rule.
    #[error("cmi5.xml, line {line}: <{element}> {rule}")]
    Element {
        /// Where the element starts, from 1.
        line: u32,
        /// The element's name, with its id when it has one.
        element: String,
        /// The rule, as the end of a sentence that starts with the element.
        rule: String,
    },
}

impl Error {
    pub(crate) fn file(file: &str, rule: impl Into<String>) -> Self {
        Self::File { file: file.to_owned(), rule: rule.into() }
    }
}
