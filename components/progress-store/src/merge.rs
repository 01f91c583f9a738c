//! What arrives from other nodes, held against what is here.

use std::collections::BTreeMap;

use hedgeschool_journal::Error;
use hedgeschool_sql::Value;
use serde_json::value::RawValue;

use crate::base64_text::Text;
use crate::database::DATABASE;
use crate::document_entry::{DocumentKey, Stored};
use crate::insertion::Other;

pub use crate::conflict_entry::Conflict;
pub use crate::document_entry::Document;

/// The version of a document that is here.
async fn find_document(key: &DocumentKey) -> Result<Option<Stored>, Error> {
    let sql = "SELECT payload, entry.content, updated_us || seen
        FROM document JOIN entry ON entry.sequence = journaled
        WHERE document.kind = ?1 AND agent = ?2 AND activity = ?3 AND registration = ?4
          AND id = ?5";
    let parameters = key.clone().map(Value::Text);
    let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else { return Ok(None) };
    let document = Document::parse(&row.take::<String>()?)?;
    Ok(Some(Stored { document: Document { content: row.take()?, ..document }, mark: row.take()? }))
}

impl Document {
    /// Puts this in place of what is here, as a change made now.
    ///
    /// # Errors
    /// The database failed.
    pub async fn put(self, now_us: i64) -> Result<(), Error> {
        let sql = "INSERT INTO put_document
            (kind, agent, activity, registration, id, media_type, content, etag, now_us,
              condition, etags)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'none', '[]')";
        let mut parameters: Vec<_> = self.key().map(Value::Text).into();
        parameters.extend([
            Value::Text(self.media_type),
            self.content.map_or(Value::Null, Value::Blob),
            Value::Text(self.etag),
            Value::Integer(now_us),
        ]);
        Ok(DATABASE.execute(sql, &parameters).await?)
    }
}

/// The rows that bring these documents here, as far as they are new. A conflict may come before
/// what stands in its document: then what lost is what there is, until the other one comes.
///
/// # Errors
/// The database failed, or something in it is no document.
pub async fn documents(
    arriving: Vec<Document>,
    conflicts: &[Conflict],
) -> Result<Vec<Other>, Error> {
    let mut latest = take_latest(arriving);
    for lost in conflicts.iter().filter_map(Conflict::lost_document) {
        let lost = lost?;
        let key = lost.key();
        if find_document(&key).await?.is_none() {
            latest.entry(key).or_insert(lost);
        }
    }
    let mut rows = Vec::new();
    for (key, arriving) in latest {
        rows.extend(arriving.arrive(find_document(&key).await?)?);
    }
    Ok(rows)
}

/// Of the same document, the last in a batch: it has seen the others.
fn take_latest(arriving: Vec<Document>) -> BTreeMap<DocumentKey, Document> {
    arriving.into_iter().map(|document| (document.key(), document)).collect()
}

/// A JSON object without its member `content`, and what that has in base64.
///
/// # Errors
/// [`Error::Invalid`] for what is no object, or no base64.
pub fn with_content(payload: &str) -> Result<(String, Option<Vec<u8>>), Error> {
    let invalid = |reason: String| Error::Invalid(format!("an entry is not as expected: {reason}"));
    let not_json = |error: serde_json::Error| invalid(error.to_string());
    let mut body: BTreeMap<String, &RawValue> = serde_json::from_str(payload).map_err(not_json)?;
    let content = body.remove("content");
    // What is no text is no content.
    let content = content.and_then(|text| serde_json::from_str::<Text>(text.get()).ok());
    let content = content.map(|text| text.decode()).transpose();
    let content = content.map_err(|error| invalid(error.to_string()))?;
    Ok((serde_json::to_string(&body).map_err(not_json)?, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_taken_out_of_what_it_came_in() {
        let read = |payload: &str| with_content(payload).ok();
        let body = |text: &str| text.to_owned();
        let sent = r#"{"start":0,"content":"AP8=","sha2":"ab"}"#;
        assert_eq!(read(sent), Some((body(r#"{"sha2":"ab","start":0}"#), Some(vec![0, 255]))));
        assert_eq!(read(r#"{"content":"AP\u0038="}"#), Some((body("{}"), Some(vec![0, 255]))));
        for none in [r#"{"a":1}"#, r#"{"a":1,"content":null}"#, r#"{"a":1,"content":7}"#] {
            assert_eq!(read(none), Some((body(r#"{"a":1}"#), None)), "{none}");
        }
        assert_eq!(read(r#"{"content":"no base64!"}"#), None);
        assert_eq!(read("[]"), None);
    }
}
