//! What a body may not be.

/// Most parts of a body beside the statements.
pub const PARTS_MAX: usize = 1_000;
/// Most bytes of the headers of one part.
pub const PART_HEADERS_BYTES_MAX: usize = 8_192;
/// Most characters of a boundary (RFC 2046, 5.1.1).
pub const BOUNDARY_CHARS_MAX: usize = 70;

/// Why a body or its `Content-Type` was refused. Parts are counted from 0, the statements.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither of the two types there are.
    #[error("the Content-Type must be application/json or multipart/mixed")]
    ContentType,
    /// `multipart/mixed` without a boundary, or with an impossible one.
    #[error(
        "multipart/mixed needs a boundary of 1 to {BOUNDARY_CHARS_MAX} of the characters of RFC \
         2046, 5.1.1"
    )]
    Boundary,
    /// No line of the body is the boundary.
    #[error("the body has no part: no line of it is -- and the boundary")]
    NoParts,
    /// The last part does not end.
    #[error("the body ends within part {part}: the line --boundary-- is missing")]
    Unfinished {
        /// The part.
        part: usize,
    },
    /// A line begins like a boundary and goes on otherwise.
    #[error("after part {part} a line begins with the boundary, but is not a boundary line")]
    BoundaryLine {
        /// The part before the line; the preamble counts as part 0.
        part: usize,
    },
    /// More than [`PARTS_MAX`].
    #[error("a body may carry the data of at most {PARTS_MAX} attachments")]
    TooManyParts,
    /// More than [`PART_HEADERS_BYTES_MAX`].
    #[error("the headers of part {part} must have at most {PART_HEADERS_BYTES_MAX} bytes")]
    HeadersTooLong {
        /// The part.
        part: usize,
    },
    /// Not `Name: value` lines, or no empty line after them.
    #[error("the headers of part {part} must be lines `Name: value` and end with an empty line")]
    Headers {
        /// The part.
        part: usize,
    },
    /// A header that matters stands there twice.
    #[error("part {part} has the header {header} more than once")]
    RepeatedHeader {
        /// The part.
        part: usize,
        /// Its name.
        header: &'static str,
    },
    /// The first part is something else.
    #[error("part 0 must be the statements: Content-Type: application/json, in UTF-8")]
    Statements,
    /// An attachment is encoded, or does not say that it is not.
    #[error("part {part} must have the header Content-Transfer-Encoding: binary")]
    Encoding {
        /// The part.
        part: usize,
    },
    /// No hash, or nothing that can be one.
    #[error(
        "part {part} must have the header X-Experience-API-Hash with a SHA-2 hash in hexadecimal"
    )]
    Hash {
        /// The part.
        part: usize,
    },
    /// The hash is that of other bytes.
    #[error("the X-Experience-API-Hash of part {part} is not the hash of its {bytes} bytes")]
    HashDiffers {
        /// The part.
        part: usize,
        /// How many bytes were hashed.
        bytes: usize,
    },
    /// No attachment of any statement has this hash.
    #[error("no attachment of a statement has the sha2 {sha2} of a part")]
    Unclaimed {
        /// The hash, in lower case.
        sha2: String,
    },
    /// The part's type is none of those the attachments with its hash have.
    #[error("the part {sha2} is of type {content_type}, its attachment is not")]
    TypeDiffers {
        /// The hash, in lower case.
        sha2: String,
        /// What the part's header says.
        content_type: String,
    },
    /// An attachment has neither data in this request nor a place to get it from.
    #[error(
        "statements[{index}]: the attachment {sha2} has neither a fileUrl nor a part with its data"
    )]
    NoData {
        /// Position of its statement, from 0.
        index: usize,
        /// The hash, in lower case.
        sha2: String,
    },
}
