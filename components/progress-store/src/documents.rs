//! `hedgeschool:progress/documents`.

use hedgeschool_journal::check_room;
use hedgeschool_sql::{Row, Value};
use sha1::{Digest, Sha1};

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::documents::Guest;
use crate::bindings::types::{Document, DocumentKind, DocumentScope, Error, Precondition};
use crate::clock::now_us;
use crate::database::DATABASE;
use crate::refusal::Refusal;

/// Largest document, in bytes.
const BYTES_MAX: usize = 4 << 20;
/// Most ids that one call answers.
const IDS_MAX: u32 = 10_000;

/// Puts or deletes a document, if a condition holds.
const CHANGE: &str = "INSERT INTO put_document
    (kind, agent, activity, registration, id, media_type, content, etag, now_us, condition, etags)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

impl Guest for Store {
    async fn get(scope: DocumentScope, id: String) -> Result<Option<Document>, Error> {
        let sql = "SELECT media_type, content, etag, updated_us / 1000 FROM document
            WHERE kind = ?1 AND agent = ?2 AND activity = ?3 AND registration = ?4 AND id = ?5
            AND content IS NOT NULL";
        let parameters = bind_key(scope, id);
        let row = DATABASE.query_one(sql, &parameters).await?;
        Ok(row.map(read_document).transpose()?)
    }

    async fn ids(scope: DocumentScope, since: Option<i64>) -> Result<Vec<String>, Error> {
        let sql = "SELECT DISTINCT id FROM document
            WHERE kind = ?1 AND agent = ?2 AND activity = ?3 AND (?4 IS NULL OR registration = ?4)
            AND updated_us > ?5 AND content IS NOT NULL ORDER BY id LIMIT ?6";
        let since_us = since.map_or(i64::MIN, |since_ms| since_ms.saturating_mul(1_000));
        let mut parameters = bind_scope(scope);
        parameters.extend([Value::Integer(since_us), Value::from(IDS_MAX)]);
        let rows = DATABASE.query(sql, &parameters).await?;
        Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
    }

    async fn put(
        scope: DocumentScope,
        id: String,
        media_type: String,
        content: Vec<u8>,
        precondition: Precondition,
    ) -> Result<String, Error> {
        if content.len() > BYTES_MAX {
            return Err(Error::Invalid(format!("a document has at most {BYTES_MAX} bytes")));
        }
        check_room(&DATABASE).await?;
        let etag = format!("{:x}", Sha1::digest(&content));
        let values = [media_type.into(), Value::Blob(content), etag.clone().into()];
        change_document(scope, id, values, precondition).await?;
        Ok(etag)
    }

    async fn delete(
        scope: DocumentScope,
        id: String,
        precondition: Precondition,
    ) -> Result<(), Error> {
        let values = [String::new().into(), Value::Null, String::new().into()];
        change_document(scope, id, values, precondition).await
    }

    async fn clear(scope: DocumentScope) -> Result<(), Error> {
        let sql =
            "UPDATE document SET content = NULL, etag = '', updated_us = max(?5, updated_us + 1),
              writer = epoch, peer = NULL,
              seen = json_set(seen, '$.' || epoch, max(?5, updated_us + 1))
            FROM journal_copy WHERE kind = ?1 AND agent = ?2 AND activity = ?3 AND (?4 IS NULL OR registration = ?4)
            AND content IS NOT NULL";
        let mut parameters = bind_scope(scope);
        parameters.push(Value::Integer(now_us()));
        Ok(DATABASE.execute(sql, &parameters).await?)
    }
}

/// Puts or deletes a document: media type, content and ETag.
async fn change_document(
    scope: DocumentScope,
    id: String,
    values: [Value; 3],
    precondition: Precondition,
) -> Result<(), Error> {
    let mut parameters = bind_key(scope, id);
    parameters.extend(values);
    parameters.push(Value::Integer(now_us()));
    parameters.extend(bind_precondition(precondition));
    match DATABASE.execute(CHANGE, &parameters).await {
        Err(error) if Refusal::of(&error) == Some(Refusal::Precondition) => {
            Err(Error::Precondition)
        }
        changed => Ok(changed?),
    }
}

/// A precondition, as columns have it.
fn bind_precondition(precondition: Precondition) -> [Value; 2] {
    let (condition, etags) = match precondition {
        Precondition::None => ("none", Vec::new()),
        Precondition::Exists => ("exists", Vec::new()),
        Precondition::Absent => ("absent", Vec::new()),
        Precondition::Matches(etags) => ("matches", etags),
        Precondition::Differs(etags) => ("differs", etags),
    };
    [condition.into(), Value::Text(serde_json::Value::from(etags).to_string())]
}

/// The key of one document, as columns have it.
fn bind_key(scope: DocumentScope, id: String) -> Vec<Value> {
    let mut parameters = bind_scope(DocumentScope {
        registration: Some(scope.registration.unwrap_or_default()),
        ..scope
    });
    parameters.push(Value::Text(id));
    parameters
}

/// A scope, as columns have it; the registration may be null and then means any.
fn bind_scope(scope: DocumentScope) -> Vec<Value> {
    let kind = match scope.kind {
        DocumentKind::State => "state",
        DocumentKind::ActivityProfile => "activity-profile",
        DocumentKind::AgentProfile => "agent-profile",
    };
    let registration = scope.registration.map_or(Value::Null, Value::Text);
    let part = |part: Option<String>| Value::Text(part.unwrap_or_default());
    vec![kind.into(), part(scope.agent), part(scope.activity), registration]
}

fn read_document(mut row: Row) -> Result<Document, hedgeschool_sql::Error> {
    Ok(Document {
        media_type: row.take()?,
        content: row.take()?,
        etag: row.take()?,
        updated: row.take()?,
    })
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
