//! From a request's body to statements that can be stored.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::check::At;
use crate::error::{Error, Violation};
use crate::fingerprint::fingerprint;
use crate::json::Json;
use crate::limits::{BATCH_STATEMENTS_MAX, STATEMENT_BYTES_MAX};
use crate::lists::{has_single, make_lists};
use crate::members::Members;
use crate::scan::{Scanned, scan_statements};
use crate::version::Version;
use crate::{scalar, statement};

/// A statement that passed validation, as the client wrote it.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Top-level properties in their order, each as the text it was sent as.
    members: Members<'a>,
    value: Json<'a>,
    version: Version,
}

/// What a record store gives a statement that lacks it.
pub struct Stamp<'a> {
    /// UUID for a statement without an id.
    pub id: String,
    /// Moment for a statement without a timestamp, RFC 3339.
    pub now: &'a str,
    /// Who vouches for it, as JSON: replaces what was sent (2.4.9).
    pub authority: &'a str,
}

/// A statement ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// UUID, lower case.
    pub id: String,
    /// JSON with id, timestamp, version and authority, without `stored`.
    pub body: String,
}

/// Reads a body of one statement or an array of them, all valid or none.
///
/// In 1.0, a statement that appears twice under one id is kept once; two that differ, and any
/// repeated id in 2.0, are an error.
///
/// # Errors
/// Says what is wrong with the body, or with the first statement that breaks a rule.
pub fn parse_batch(body: &str, version: Version) -> Result<Vec<Draft<'_>>, Error> {
    let drafts = match scan_statements(body) {
        Some(items) => read_each(items, |item| item.text, |item| Draft::check(item, version)),
        // Whatever is wrong with it is told of the part that it is wrong with.
        None => read_each(split(body)?, |item| item.get(), |item| Draft::parse(item, version)),
    };
    without_repeats(drafts?)
}

/// The statements of a body, not read yet.
fn split(body: &str) -> Result<Vec<&RawValue>, Error> {
    match body.trim_start().as_bytes().first() {
        Some(b'[') => Ok(serde_json::from_str(body)?),
        Some(b'{') => Ok(vec![serde_json::from_str(body)?]),
        _ => {
            serde_json::from_str::<&RawValue>(body)?;
            Err(Error::NotStatements)
        }
    }
}

/// Reads statements in their order, up to the first that is refused.
fn read_each<'a, T>(
    items: Vec<T>,
    text: impl Fn(&T) -> &'a str,
    read: impl Fn(T) -> Result<Draft<'a>, Violation>,
) -> Result<Vec<Draft<'a>>, Error> {
    if items.len() > BATCH_STATEMENTS_MAX {
        return Err(Error::TooMany);
    }
    let read = |(index, item): (usize, T)| {
        if text(&item).len() > STATEMENT_BYTES_MAX {
            return Err(Error::TooLarge { index });
        }
        read(item).map_err(|violation| Error::Invalid { index, violation })
    };
    items.into_iter().enumerate().map(read).collect()
}

/// Reads a body of exactly one statement.
///
/// # Errors
/// As [`parse_batch`]; [`Error::NotStatements`] for a list.
pub fn parse_one(body: &str, version: Version) -> Result<Draft<'_>, Error> {
    match <[Draft<'_>; 1]>::try_from(parse_batch(body, version)?) {
        Ok([draft]) if !body.trim_start().starts_with('[') => Ok(draft),
        _ => Err(Error::NotStatements),
    }
}

/// 2.0 refuses a batch with a repeated id, alike or not (2.0, 4.1.6.1); 1.0.3 only recommends it
/// (part three, 2.1.2), and a client that sends its queue twice shall not lose it.
fn without_repeats(drafts: Vec<Draft<'_>>) -> Result<Vec<Draft<'_>>, Error> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<Draft<'_>> = Vec::with_capacity(drafts.len());
    for (index, draft) in drafts.into_iter().enumerate() {
        let Some(id) = draft.id() else {
            kept.push(draft);
            continue;
        };
        match seen.get(&id).and_then(|first| kept.get(*first)) {
            None => {
                seen.insert(id, kept.len());
                kept.push(draft);
            }
            Some(first) if draft.repeats(first) => {}
            Some(_) => return Err(Error::RepeatedId { index, id }),
        }
    }
    Ok(kept)
}

/// What is wrong with a statement as a whole.
fn malformed(error: serde_json::Error) -> Violation {
    Violation { path: "statement".into(), rule: error.to_string(), section: "2.2" }
}

impl<'a> Draft<'a> {
    fn parse(item: &'a RawValue, version: Version) -> Result<Self, Violation> {
        let text = item.get();
        let value = Json::parse(text).map_err(malformed)?;
        statement::statement(&At::root(&value, version))?;
        let members = Members::parse(text).map_err(malformed)?;
        Self::with_lists(members, value, version)
    }

    fn check(scanned: Scanned<'a>, version: Version) -> Result<Self, Violation> {
        let Scanned { text: _, members, value } = scanned;
        statement::statement(&At::root(&value, version))?;
        Self::with_lists(members, value, version)
    }

    fn with_lists(
        mut members: Members<'a>,
        value: Json<'a>,
        version: Version,
    ) -> Result<Self, Violation> {
        if has_single(&value) {
            make_lists(&mut members).map_err(malformed)?;
        }
        Ok(Self { members, value, version })
    }

    /// A statement that was made here, and is checked as one that was sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] or [`Error::TooLarge`], of a statement at index 0.
    pub fn from_value(value: &'a Value, version: Version) -> Result<Self, Error> {
        let members = Members::from_value(value);
        if members.text_bytes() > STATEMENT_BYTES_MAX {
            return Err(Error::TooLarge { index: 0 });
        }
        let value = Json::from(value);
        let checked = statement::statement(&At::root(&value, version));
        let draft = checked.and_then(|()| Self::with_lists(members, value, version));
        draft.map_err(|violation| Error::Invalid { index: 0, violation })
    }

    /// The statement as it was sent, parsed.
    pub fn value(&self) -> &Json<'a> {
        &self.value
    }

    /// The id the client gave, lower case.
    pub fn id(&self) -> Option<String> {
        let text = self.value.get("id")?.as_str()?;
        scalar::parse_uuid(text).map(|id| id.hyphenated().to_string())
    }

    fn repeats(&self, first: &Self) -> bool {
        self.version == Version::V1_0 && fingerprint(&self.value) == fingerprint(&first.value)
    }

    /// Sets the id of a statement that has none.
    ///
    /// # Errors
    /// The statement has another id, or this is no UUID.
    pub fn with_id(mut self, id: &str) -> Result<Self, Violation> {
        match self.id() {
            Some(own) if own == id.to_ascii_lowercase() => Ok(self),
            Some(_) => Err(Violation {
                path: "id".into(),
                rule: format!("must be the statementId of the request, {id}"),
                section: "2.4.1",
            }),
            None => {
                if let Json::Object(properties) = &mut self.value {
                    properties.insert("id", Json::String(id.to_owned().into()));
                }
                self.members.insert_first("id", Value::from(id).to_string());
                let at = At::root(&self.value, self.version);
                at.get("id").map_or(Ok(()), |id| scalar::uuid(&id))?;
                Ok(self)
            }
        }
    }

    /// Adds what a record store must add. Everything else stays as it was written, to the byte.
    pub fn complete(self, stamp: Stamp<'a>) -> Record {
        let Self { mut members, value, version } = self;
        let text = |text: &str| Value::from(text).to_string();
        let id = value.get("id").and_then(Json::as_str).and_then(scalar::parse_uuid);
        let id = id.map_or(stamp.id, |id| id.hyphenated().to_string());
        members.remove("stored");
        members.remove("id");
        members.insert_first("id", text(&id));
        members.remove("authority");
        members.insert_last("authority", stamp.authority);
        if !members.contains("timestamp") {
            members.insert_last("timestamp", text(stamp.now));
        }
        if !members.contains("version") {
            members.insert_last("version", text(version.of_statement()));
        }
        Record { id, body: members.into_json() }
    }
}
