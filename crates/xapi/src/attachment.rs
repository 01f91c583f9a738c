//! Attachments, as a statement describes them (2.4.11).

use crate::check::{At, Checked, Property, optional, required};
use crate::scalar;

const ATTACHMENT: &[Property] = &[
    required("usageType", scalar::iri),
    required("display", scalar::language_map),
    optional("description", scalar::language_map),
    required("contentType", media_type),
    required("length", length),
    required("sha2", sha2),
    optional("fileUrl", scalar::iri),
];

/// The list of attachments.
pub fn attachments(at: &At) -> Checked {
    at.each("2.4.11", |attachment| attachment.properties("2.4.11", &[ATTACHMENT]))
}

/// A type and a subtype, and whatever parameters (RFC 2045, 5.1).
fn media_type(at: &At) -> Checked {
    let text = at.string("2.4.11")?;
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let parts = essence.split_once('/');
    let formed = parts.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    at.require(formed, "2.4.11", "must be a media type, e.g. image/png")
}

fn is_token(text: &str) -> bool {
    let in_token = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte);
    !text.is_empty() && text.bytes().all(in_token)
}

fn length(at: &At) -> Checked {
    at.require(at.value.as_u64().is_some(), "2.4.11", "must be a number of bytes")
}

/// SHA-2 in hexadecimal: 224, 256, 384 or 512 bits.
fn sha2(at: &At) -> Checked {
    let text = at.string("2.4.11")?;
    let formed = matches!(text.len(), 56 | 64 | 96 | 128) && scalar::is_hexadecimal(text);
    at.require(formed, "2.4.11", "must be a SHA-2 hash in hexadecimal")
}
