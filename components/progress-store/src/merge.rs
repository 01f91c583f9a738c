//! Documents that arrive from other nodes, merged with what is here.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hedgeschool_journal::{Error, Merged, Versioned, check_version, merged};
use hedgeschool_replication::{Version, VersionVector};
use hedgeschool_sql::Value;
use hedgeschool_xapi::Facts;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::DATABASE;
use crate::batch::Other;

/// The kinds of documents there are.
const KINDS: [&str; 3] = ["state", "activity-profile", "agent-profile"];

/// A document as an entry has it: see the view `entry`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    kind: String,
    activity: String,
    agent: String,
    registration: String,
    id: String,
    media_type: String,
    etag: String,
    stamp: i64,
    writer: String,
    seen: VersionVector,
    /// Base64. None: it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// A document as `store_batch` takes it; its content goes beside it.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    document: &'a Document,
    /// The stamp and knowledge of the version that is here.
    here: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'a Document>,
    is_made: bool,
}

type Place = [String; 5];

/// A conflict as an entry has it: see the view `entry`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    about: String,
    version: String,
    subject: String,
    noticed: i64,
    settled: i64,
    lost: Box<RawValue>,
}

impl Conflict {
    /// Reads a conflict.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no conflict: {error}"));
        let conflict: Self = serde_json::from_str(payload).map_err(invalid)?;
        let is_sound = conflict.document().transpose()?.is_some() || conflict.statement().is_some();
        let rule = "a conflict is about a document or a statement";
        if is_sound { Ok(conflict) } else { Err(Error::Invalid(rule.into())) }
    }

    /// The document that lost, if it is one.
    fn document(&self) -> Option<Result<Document, Error>> {
        (self.about == "document").then(|| Document::parse(self.lost.get()))
    }

    /// The id of the statement that lost, if it is one.
    fn statement(&self) -> Option<[u8; 16]> {
        let facts = (self.about == "statement").then(|| Facts::of(self.lost.get()))?;
        facts.map(|facts| facts.id)
    }

    /// The row that brings it here.
    pub fn row(&self) -> Result<Other, Error> {
        let body =
            serde_json::to_string(self).map_err(|error| Error::Invalid(error.to_string()))?;
        let content = self.statement().map(|id| id.to_vec());
        Ok(Other { kind: "conflict", body, content })
    }
}

impl Document {
    /// Reads a document, without its content's meaning.
    pub fn parse(payload: &str) -> Result<Self, Error> {
        let invalid = |error| Error::Invalid(format!("an entry is no document: {error}"));
        let document: Self = serde_json::from_str(payload).map_err(invalid)?;
        check_version(&document.version())?;
        if !KINDS.contains(&document.kind.as_str()) {
            return Err(Error::Invalid(format!("a document is one of {KINDS:?}")));
        }
        Ok(document)
    }

    fn place(&self) -> Place {
        [&self.kind, &self.agent, &self.activity, &self.registration, &self.id].map(String::clone)
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, Error> {
        let decode = |text: &String| STANDARD.decode(text);
        let bytes = self.content.as_ref().map(decode).transpose();
        bytes.map_err(|error| Error::Invalid(format!("content is no base64: {error}")))
    }

    /// The version that is here, and what tells it from others.
    async fn find(place: &Place) -> Result<Option<(Self, String)>, Error> {
        let sql = "SELECT payload, entry.content, updated_us || seen
            FROM document JOIN entry ON entry.sequence = journaled
            WHERE document.kind = ?1 AND agent = ?2 AND activity = ?3 AND registration = ?4
              AND id = ?5";
        let parameters = place.clone().map(Value::Text);
        let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else { return Ok(None) };
        let mut document = Self::parse(&row.take::<String>()?)?;
        document.content = row.take::<Option<Vec<u8>>>()?.map(|bytes| STANDARD.encode(bytes));
        Ok(Some((document, row.take()?)))
    }

    /// Puts this in place of what is here, as a change made now.
    pub async fn put(&self, now: i64) -> Result<(), Error> {
        let sql = "INSERT INTO put_document
            (kind, agent, activity, registration, id, media_type, content, etag, now_us,
              condition, etags)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'none', '[]')";
        let mut parameters: Vec<_> = self.place().map(Value::Text).into();
        parameters.extend([
            Value::Text(self.media_type.clone()),
            self.bytes()?.map_or(Value::Null, Value::Blob),
            Value::Text(self.etag.clone()),
            Value::Integer(now),
        ]);
        Ok(DATABASE.execute(sql, &parameters).await?)
    }

    fn row(
        &self,
        here: Option<String>,
        lost: Option<&Self>,
        is_made: bool,
    ) -> Result<Other, Error> {
        let document = Self { content: None, ..self.clone() };
        let body = serde_json::to_string(&Row { document: &document, here, lost, is_made });
        let body = body.map_err(|error| Error::Invalid(error.to_string()))?;
        Ok(Other { kind: "document", body, content: self.bytes()? })
    }
}

impl Versioned for Document {
    fn version(&self) -> Version {
        Version { stamp: self.stamp, writer: self.writer.clone(), seen: self.seen.clone() }
    }

    fn with_version(self, version: Version) -> Self {
        Self { stamp: version.stamp, writer: version.writer, seen: version.seen, ..self }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.content == other.content && self.media_type == other.media_type
    }
}

/// The rows that bring these documents here, as far as they are new. A conflict may come before
/// what stands in its document: then what lost is what there is, until the other one comes.
pub async fn documents(
    arriving: Vec<Document>,
    conflicts: &[Conflict],
) -> Result<Vec<Other>, Error> {
    // Of the same document, the last in a batch has seen the others.
    let mut latest: BTreeMap<_, _> =
        arriving.into_iter().map(|document| (document.place(), document)).collect();
    for lost in conflicts.iter().filter_map(Conflict::document) {
        let lost = lost?;
        if Document::find(&lost.place()).await?.is_none() {
            latest.entry(lost.place()).or_insert(lost);
        }
    }
    let mut rows = Vec::new();
    for (place, arriving) in latest {
        rows.extend(match Document::find(&place).await? {
            None => Some(arriving.row(None, None, false)?),
            Some((here, is)) => match merged(&here, &arriving) {
                None => None,
                Some(Merged { stands, lost, is_made }) => {
                    Some(stands.row(Some(is), lost.as_ref(), is_made)?)
                }
            },
        });
    }
    Ok(rows)
}

/// A JSON object without its member `content`, and what that has in base64.
pub fn with_content(payload: &str) -> Result<(serde_json::Value, Option<Vec<u8>>), Error> {
    let invalid = |reason: String| Error::Invalid(format!("an entry is not as expected: {reason}"));
    let mut body: serde_json::Value =
        serde_json::from_str(payload).map_err(|error| invalid(error.to_string()))?;
    let content = body.as_object_mut().and_then(|object| object.remove("content"));
    let content =
        content.as_ref().and_then(serde_json::Value::as_str).map(|text| STANDARD.decode(text));
    Ok((body, content.transpose().map_err(|error| invalid(error.to_string()))?))
}
