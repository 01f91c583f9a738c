//! Signed statements (part two, 2.6).
//!
//! A signature is an attachment: a JSON web signature in compact serialization (RFC 7515) whose
//! payload is the statement as it was before it was signed. What is checked here finds mistakes,
//! as the standard has it; it does not say whom to trust: certificates are not validated, and a
//! signature without one is not verified.

mod jws;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::error::{Error, Violation};
use crate::fingerprint::fingerprint;
use crate::json::Json;
use crate::limits::STATEMENT_BYTES_MAX;
use crate::multipart::{Attachment, attachments_of};
use crate::timestamp::parse_timestamp;
use jws::Jws;

pub use jws::KEY_BITS_MAX;

/// What makes an attachment a signature: its `usageType`.
pub const SIGNATURE_USAGE: &str = "http://adlnet.gov/expapi/attachments/signature";
/// Most signatures of one statement.
pub const SIGNATURES_MAX: usize = 8;
/// Most bytes of one signature: a statement of any size and its certificates, in base64.
pub const SIGNATURE_BYTES_MAX: usize = 2 * STATEMENT_BYTES_MAX;

const CONTENT_TYPE: &str = "application/octet-stream";

/// Checks the signatures of a request's statements, which passed validation. `data` answers the
/// data of an attachment that came with them, by the hash in lower case.
///
/// Each signature of a statement (those of its sub-statement sign nothing) must be well-formed, by
/// RS256, RS384 or RS512, and over a statement logically equivalent to it. It must verify with the
/// first certificate of its `x5c` header, where it has one.
///
/// # Errors
/// The first signature that is none, or one of another statement, and the rule that it breaks.
pub fn check_signatures<'s, 'd>(
    statements: impl IntoIterator<Item = &'s Json<'s>>,
    data: &dyn Fn(&str) -> Option<&'d [u8]>,
) -> Result<(), Error> {
    let mut checker = Checker { data, signed: HashMap::new() };
    let mut statements = statements.into_iter().enumerate();
    statements.try_for_each(|(index, statement)| {
        checker.check(statement).map_err(|violation| Error::Invalid { index, violation })
    })
}

/// Reads and verifies each signature once, however many attachments have its hash: else a small
/// request could ask for a lot of work.
struct Checker<'c, 'd> {
    data: &'c dyn Fn(&str) -> Option<&'d [u8]>,
    /// What was signed, by the hash of the signature in lower case.
    signed: HashMap<String, Unsigned>,
}

impl Checker<'_, '_> {
    fn check(&mut self, statement: &Json) -> Result<(), Violation> {
        let mut unsigned = None;
        for (count, (place, signature)) in signatures(statement).enumerate() {
            let violation = |rule: String| Violation {
                path: format!("attachments[{place}]"),
                rule,
                section: "2.6",
            };
            if count == SIGNATURES_MAX {
                let rule = format!("must not be one of more than {SIGNATURES_MAX} signatures");
                return Err(violation(rule));
            }
            let unsigned = unsigned.get_or_insert_with(|| Unsigned::of(statement));
            let signed = self.signed(&signature).map_err(violation)?;
            if !signed.is_equivalent(unsigned) {
                return Err(violation("must sign this statement, not another".to_owned()));
            }
        }
        Ok(())
    }

    fn signed(&mut self, signature: &Attachment) -> Result<&Unsigned, String> {
        if signature.content_type != CONTENT_TYPE {
            return Err(format!("must have the contentType {CONTENT_TYPE}: it is a signature"));
        }
        match self.signed.entry(signature.sha2.to_ascii_lowercase()) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let data = (self.data)(unknown.key());
                let data = data.ok_or("must come with its data: it is a signature")?;
                Ok(unknown.insert(verified(data)?))
            }
        }
    }
}

/// The signatures of a statement and their places among its attachments.
fn signatures<'a>(statement: &'a Json<'_>) -> impl Iterator<Item = (usize, Attachment<'a>)> {
    let all = attachments_of(statement).enumerate();
    all.filter(|(_, attachment)| attachment.usage_type == SIGNATURE_USAGE)
}

/// What was signed.
fn verified(data: &[u8]) -> Result<Unsigned, String> {
    if data.len() > SIGNATURE_BYTES_MAX {
        return Err(format!("must have at most {SIGNATURE_BYTES_MAX} bytes: it is a signature"));
    }
    let jws = Jws::read(data)?;
    let payload = jws.payload()?;
    jws.verify()?;
    Ok(Unsigned::of(&payload))
}

/// A statement as it was, or may have been, before it was signed: what is compared.
struct Unsigned {
    id: Option<String>,
    timestamp: Option<String>,
    fingerprint: [u8; 16],
}

impl Unsigned {
    fn of(statement: &Json) -> Self {
        let text = |name| statement.get(name).and_then(Json::as_str).map(str::to_owned);
        Self {
            id: text("id"),
            timestamp: text("timestamp"),
            fingerprint: fingerprint(&without_signatures(statement)),
        }
    }

    /// Statement comparison (2.3.1). What a record store sets may be missing in one of the two;
    /// where both have an id or a timestamp, no store made the difference.
    fn is_equivalent(&self, other: &Self) -> bool {
        let agree = |one: &Option<String>, other: &Option<String>, same: fn(&str, &str) -> bool| {
            one.as_deref().zip(other.as_deref()).is_none_or(|(one, other)| same(one, other))
        };
        agree(&self.id, &other.id, str::eq_ignore_ascii_case)
            && agree(&self.timestamp, &other.timestamp, is_same_moment)
            && self.fingerprint == other.fingerprint
    }
}

fn without_signatures<'a>(statement: &Json<'a>) -> Json<'a> {
    let mut statement = statement.clone();
    let Json::Object(properties) = &mut statement else { return statement };
    if let Some(Json::Array(mut attachments)) = properties.remove("attachments") {
        attachments.retain(|attachment| !is_signature(attachment));
        // The first signature brought the list with it.
        if !attachments.is_empty() {
            properties.insert("attachments", Json::Array(attachments));
        }
    }
    statement
}

fn is_signature(attachment: &Json) -> bool {
    attachment.get("usageType").and_then(Json::as_str) == Some(SIGNATURE_USAGE)
}

fn is_same_moment(one: &str, other: &str) -> bool {
    match (parse_timestamp(one), parse_timestamp(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
