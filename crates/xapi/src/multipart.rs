//! Statements with the data of their attachments: `multipart/mixed` (part three, 1.5.2; RFC 2046).
//!
//! [`Framing::of`] tells the two kinds of bodies apart, [`parse`] takes one to pieces without
//! copying it and checks what can be known without the statements, [`check_claims`] holds the
//! pieces against the statements, and [`Writer`] writes an answer whose length is known before its
//! first byte.
//!
//! Lines end with CRLF, as RFC 2046 has it. The `Content-Length` of a part and the `length` of an
//! attachment are not held against the data: the hash is what identifies it, and clients in use
//! count differently.

mod claims;
mod error;
mod media_type;
mod read;
mod write;

pub(crate) use claims::attachments_of;
pub use claims::{Attachment, attachments, check_claims};
pub use error::{BOUNDARY_CHARS_MAX, Error, PART_HEADERS_BYTES_MAX, PARTS_MAX};
pub use media_type::Framing;
pub use read::{Multipart, Part, parse, sha2_like};
pub use write::{PartSize, Writer};
