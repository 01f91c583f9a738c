//! Signed statements (part two, 2.6).
//!
//! A signature is an attachment: a JSON web signature in compact serialization (RFC 7515) whose payload is the
//! statement as it was before it was signed. What is checked here finds mistakes, as the standard has it; it does
//! not say whom to trust: certificates are not validated, and a signature without one is not verified.

mod jws;

use serde_json::Value;

use crate::fingerprint::fingerprint;
use crate::multipart::{Attachment, attachments_of};
use crate::timestamp::parse_timestamp;
use crate::{STATEMENT_BYTES_MAX, Violation};
use jws::Jws;

/// What makes an attachment a signature: its `usageType`.
pub const SIGNATURE_USAGE: &str = "http://adlnet.gov/expapi/attachments/signature";
/// Most signatures of one statement.
pub const SIGNATURES_MAX: usize = 8;
/// Most bytes of one signature: a statement of any size and its certificates, in base64.
pub const SIGNATURE_BYTES_MAX: usize = 2 * STATEMENT_BYTES_MAX;
/// Largest RSA key a signature is verified with, in bits.
pub const KEY_BITS_MAX: usize = 4_096;

const CONTENT_TYPE: &str = "application/octet-stream";

/// Checks the signatures of a statement that passed validation. `data` answers the data of an attachment that came
/// with it, by the hash in lower case.
///
/// Each signature of the statement (those of its sub-statement sign nothing) must be well-formed, by RS256, RS384
/// or RS512, and over a statement logically equivalent to this one. It must verify with the first certificate
/// of its `x5c` header, where it has one.
pub fn check_signatures<'a>(
    statement: &Value,
    data: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<(), Violation> {
    let mut signed = None;
    for (count, (place, signature)) in signatures(statement).enumerate() {
        let violation = |rule: String| Violation {
            path: format!("attachments[{place}]"),
            rule,
            section: "2.6",
        };
        if count == SIGNATURES_MAX {
            return Err(violation(format!("must not be one of over {SIGNATURES_MAX} signatures")));
        }
        let jws = read(&signature, data).map_err(violation)?;
        let signed = signed.get_or_insert_with(|| Unsigned::of(statement));
        if !Unsigned::of(&jws.payload).is_equivalent(signed) {
            return Err(violation("must sign this statement, not another".to_owned()));
        }
        jws.verify().map_err(violation)?;
    }
    Ok(())
}

/// The signatures of a statement and their places among its attachments.
fn signatures(statement: &Value) -> impl Iterator<Item = (usize, Attachment<'_>)> {
    let all = attachments_of(statement).enumerate();
    all.filter(|(_, attachment)| attachment.usage_type == SIGNATURE_USAGE)
}

fn read<'a>(
    signature: &Attachment,
    data: &dyn Fn(&str) -> Option<&'a [u8]>,
) -> Result<Jws<'a>, String> {
    if signature.content_type != CONTENT_TYPE {
        return Err(format!("must have the contentType {CONTENT_TYPE}: it is a signature"));
    }
    let bytes = data(&signature.sha2.to_ascii_lowercase());
    let bytes = bytes.ok_or("must come with its data: it is a signature")?;
    if bytes.len() > SIGNATURE_BYTES_MAX {
        return Err(format!("must have at most {SIGNATURE_BYTES_MAX} bytes: it is a signature"));
    }
    Jws::read(bytes)
}

/// A statement as it was, or may have been, before it was signed.
struct Unsigned(Value);

impl Unsigned {
    fn of(statement: &Value) -> Self {
        let mut statement = statement.clone();
        if let Value::Object(properties) = &mut statement {
            let attachments = properties.remove("attachments");
            if let Some(Value::Array(mut attachments)) = attachments {
                attachments.retain(|attachment| !is_signature(attachment));
                // Which the first signature brought with it.
                if !attachments.is_empty() {
                    properties.insert("attachments".into(), Value::Array(attachments));
                }
            }
        }
        Self(statement)
    }

    /// Statement comparison (2.3.1). What a record store sets may be missing in one of the two; where both have an
    /// id or a timestamp, no store made the difference.
    fn is_equivalent(&self, other: &Self) -> bool {
        let agree = |name, same: fn(&str, &str) -> bool| match (self.text(name), other.text(name)) {
            (Some(one), Some(other)) => same(one, other),
            _ => true,
        };
        agree("id", str::eq_ignore_ascii_case)
            && agree("timestamp", is_same_moment)
            && fingerprint(&self.0) == fingerprint(&other.0)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

fn is_signature(attachment: &Value) -> bool {
    attachment.get("usageType").and_then(Value::as_str) == Some(SIGNATURE_USAGE)
}

fn is_same_moment(one: &str, other: &str) -> bool {
    match (parse_timestamp(one), parse_timestamp(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
