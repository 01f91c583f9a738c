//! Strings with a form, and the two kinds of maps whose keys have one.

use iri_string::types::IriStr;
use oxilangtag::LanguageTag;
use uuid::Uuid;

use crate::check::{At, Checked};
use crate::duration::is_duration;
use crate::timestamp::{is_rfc_3339, parse_timestamp};
use crate::version::Version;

/// Any string.
pub fn string(at: &At) -> Checked {
    at.string("2.2").map(drop)
}

/// `true` or `false`.
pub fn boolean(at: &At) -> Checked {
    at.require(at.value.as_bool().is_some(), "2.2", "must be true or false")
}

/// A number.
pub fn number(at: &At) -> Checked {
    at.require(at.value.as_f64().is_some(), "2.4.5.1", "must be a number")
}

/// An IRI with a scheme (2.2, 4.3, RFC 3987).
pub fn iri(at: &At) -> Checked {
    let text = at.string("4.3")?;
    at.require(is_iri(text), "4.3", "must be an IRI with a scheme")
}

/// An IRI in an `mbox`: `mailto:` and one address (2.4.2.3).
pub fn mailto(at: &At) -> Checked {
    let address = at.string("2.4.2.3")?.strip_prefix("mailto:");
    let parts = address.and_then(|address| address.rsplit_once('@'));
    let holds = parts.is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain));
    at.require(holds, "2.4.2.3", "must be mailto: and an e-mail address")
}

/// Best effort: quoted local parts are let through (RFC 5321, 4.1.2).
fn is_local_part(text: &str) -> bool {
    let quoted = text.len() > 2 && text.starts_with('"') && text.ends_with('"');
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>,;:()\"".contains(c);
    quoted || (!text.is_empty() && text.chars().all(plain))
}

/// Names of any script, or an address in brackets.
fn is_domain(text: &str) -> bool {
    let in_name =
        |c: char| c.is_alphanumeric() || c == '-' || (!c.is_ascii() && !c.is_whitespace());
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.bytes().all(|b| b.is_ascii_alphanumeric() || b".:-".contains(&b)),
        None => text.split('.').all(|name| !name.is_empty() && name.chars().all(in_name)),
    }
}

/// SHA-1 in hexadecimal (2.4.2.3).
pub fn sha1(at: &At) -> Checked {
    let text = at.string("2.4.2.3")?;
    let holds = text.len() == 40 && is_hexadecimal(text);
    at.require(holds, "2.4.2.3", "must be 40 hexadecimal digits")
}

/// A UUID in its usual form, of either case (4.4, RFC 4122).
pub fn uuid(at: &At) -> Checked {
    let text = at.string("4.4")?;
    at.require(parse_uuid(text).is_some(), "4.4", "must be a UUID")
}

/// Reads a UUID in its usual form.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    if text.len() == 36 { Uuid::try_parse(text).ok() } else { None }
}

/// A moment (4.5): ISO 8601 with a zone; in 2.0, RFC 3339 (2.0, 4.2.7).
///
/// 1.0.3 only recommends the zone, but without it a timestamp is no moment, and no store could
/// sort it.
pub fn moment(at: &At) -> Checked {
    let text = at.string("4.5")?;
    let strict = at.version == Version::V1_0 || is_rfc_3339(text);
    let rule = "must be a date and time with a zone, as RFC 3339 writes it, and not -00:00";
    at.require(strict && parse_timestamp(text).is_some(), "4.5", rule)
}

/// A length of time (4.6, ISO 8601).
pub fn duration(at: &At) -> Checked {
    let text = at.string("4.6")?;
    let rule = "must be a duration as ISO 8601 writes it, e.g. PT1M30S or P4W";
    at.require(is_duration(text), "4.6", rule)
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

/// Anything, by IRI (4.1). The only place where a null may stand (2.2).
pub fn extensions(at: &At) -> Checked {
    at.members("4.1", |key, value| {
        value.require(is_iri(key), "4.1", "the name must be an IRI with a scheme")
    })
}

/// Whether a text is an IRI with a scheme (RFC 3987).
pub fn is_iri(text: &str) -> bool {
    IriStr::new(text).is_ok()
}

pub fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
