//! Which statement's attachment the data of a part is.

use std::collections::{HashMap, HashSet};

use crate::json::Json;

use super::error::Error;
use super::media_type::MediaType;
use super::read::Part;

/// An attachment as a statement describes it (part two, 2.4.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// The hash as the statement has it, of either case.
    pub sha2: &'a str,
    /// Its type.
    pub content_type: &'a str,
    /// What it is for.
    pub usage_type: &'a str,
    /// Whether there is a place to get the data from.
    pub has_file_url: bool,
}

/// The attachments of a statement and of its sub-statement.
pub fn attachments<'a>(statement: &'a Json<'_>) -> impl Iterator<Item = Attachment<'a>> {
    attachments_of(statement).chain(statement.get("object").into_iter().flat_map(attachments_of))
}

/// The attachments of a statement alone, in their places if it passed validation.
pub fn attachments_of<'a>(statement: &'a Json<'_>) -> impl Iterator<Item = Attachment<'a>> {
    let list = statement.get("attachments").and_then(Json::as_array);
    list.into_iter().flatten().filter_map(attachment)
}

fn attachment<'a>(value: &'a Json<'_>) -> Option<Attachment<'a>> {
    let text = |name| value.get(name).and_then(Json::as_str);
    Some(Attachment {
        sha2: text("sha2")?,
        content_type: text("contentType").unwrap_or_default(),
        usage_type: text("usageType").unwrap_or_default(),
        has_file_url: text("fileUrl").is_some(),
    })
}

/// Holds statements that passed validation against the parts they came with (part three, 1.5.1 and
/// 1.5.2): every attachment has a `fileUrl` or a part of its hash, and every part is an
/// attachment's, of its type.
///
/// For an `application/json` body there are no parts, so each attachment needs a `fileUrl`.
///
/// # Errors
/// [`Error::NoData`], [`Error::Unclaimed`] or [`Error::TypeDiffers`].
pub fn check_claims<'a>(
    statements: impl IntoIterator<Item = &'a Json<'a>>,
    parts: &[Part],
) -> Result<(), Error> {
    let sent: HashSet<&str> = parts.iter().map(|part| part.sha2.as_str()).collect();
    let mut claims: HashMap<String, Vec<&str>> = HashMap::new();
    for (index, statement) in statements.into_iter().enumerate() {
        for attachment in attachments(statement) {
            let sha2 = attachment.sha2.to_ascii_lowercase();
            if sent.contains(sha2.as_str()) {
                claims.entry(sha2).or_default().push(attachment.content_type);
            } else if !attachment.has_file_url {
                return Err(Error::NoData { index, sha2 });
            }
        }
    }
    parts.iter().try_for_each(|part| claimed(part, claims.get(&part.sha2)))
}

/// Where a part says its type it must be that of the attachment (1.5.2), or of one where several
/// have its hash.
fn claimed(part: &Part, types: Option<&Vec<&str>>) -> Result<(), Error> {
    let sha2 = part.sha2.clone();
    let types = types.ok_or_else(|| Error::Unclaimed { sha2: sha2.clone() })?;
    match &part.content_type {
        Some(content_type) if !types.iter().any(|own| MediaType::same(own, content_type)) => {
            Err(Error::TypeDiffers { sha2, content_type: content_type.clone() })
        }
        _ => Ok(()),
    }
}
