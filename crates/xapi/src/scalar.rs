//! Strings with a form, and the two kinds of maps whose keys have one.

use iri_string::types::IriStr;
use jiff::fmt::temporal::SpanParser;
use oxilangtag::LanguageTag;
use uuid::Uuid;

use crate::check::{At, Checked};
use crate::timestamp;

/// Any string.
pub fn string(at: &At) -> Checked {
    at.string("2.2").map(drop)
}

/// `true` or `false`.
pub fn boolean(at: &At) -> Checked {
    at.require(at.value.is_boolean(), "2.2", "must be true or false")
}

/// A number.
pub fn number(at: &At) -> Checked {
    at.require(at.value.is_number(), "2.4.5.1", "must be a number")
}

/// An IRI with a scheme (4.1, RFC 3987).
pub fn iri(at: &At) -> Checked {
    let text = at.string("4.1")?;
    at.require(is_iri(text), "4.1", "must be an IRI with a scheme")
}

/// An IRI in an `mbox`: `mailto:` and an address (2.4.2.3).
pub fn mailto(at: &At) -> Checked {
    let address = at.string("2.4.2.3")?.strip_prefix("mailto:");
    let parts = address.and_then(|address| address.rsplit_once('@'));
    let formed = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    let holds = parts.is_some_and(|(local, domain)| formed(local) && formed(domain));
    at.require(holds, "2.4.2.3", "must be mailto: and an e-mail address")
}

/// SHA-1 in hexadecimal (2.4.2.3).
pub fn sha1(at: &At) -> Checked {
    let text = at.string("2.4.2.3")?;
    let holds = text.len() == 40 && is_hexadecimal(text);
    at.require(holds, "2.4.2.3", "must be 40 hexadecimal digits")
}

/// A UUID in its usual form, of either case (2.4.1, RFC 4122).
pub fn uuid(at: &At) -> Checked {
    let text = at.string("2.4.1")?;
    at.require(parse_uuid(text).is_some(), "2.4.1", "must be a UUID")
}

/// Reads a UUID in its usual form.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// A moment (4.5, RFC 3339).
pub fn moment(at: &At) -> Checked {
    let text = at.string("4.5")?;
    let rule = "must be a date and time with a zone, as RFC 3339 writes it, and not -00:00";
    at.require(timestamp::parse_timestamp(text).is_some(), "4.5", rule)
}

/// A length of time (4.6, ISO 8601).
pub fn duration(at: &At) -> Checked {
    let text = at.string("4.6")?;
    let formed = text.starts_with('P') && SpanParser::new().parse_span(text).is_ok();
    at.require(formed, "4.6", "must be a duration as ISO 8601 writes it, e.g. PT1M30S")
}

/// A language tag (RFC 5646).
pub fn language(at: &At) -> Checked {
    let text = at.string("4.2")?;
    at.require(LanguageTag::parse(text).is_ok(), "4.2", "must be a language tag, e.g. en-GB")
}

/// Texts by language (4.2).
pub fn language_map(at: &At) -> Checked {
    at.members("4.2", |tag, text| {
        let rule = "the name must be a language tag, e.g. en-GB";
        text.require(LanguageTag::parse(tag).is_ok(), "4.2", rule)?;
        text.string("4.2").map(drop)
    })
}

/// Anything, by IRI (4.3). The only place where a null may stand.
pub fn extensions(at: &At) -> Checked {
    at.members("4.3", |key, value| {
        value.require(is_iri(key), "4.3", "the name must be an IRI with a scheme")
    })
}

/// Whether a text is an IRI with a scheme (RFC 3987).
pub fn is_iri(text: &str) -> bool {
    IriStr::new(text).is_ok()
}

pub fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
