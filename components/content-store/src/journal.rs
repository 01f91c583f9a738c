//! `hedgeschool:content/journal`: courses, which are the entries of this store.

use hedgeschool_journal::{
    Batch, Entry, Error, Insertion, JournalPage, Kinds, Lost, advance_json, integer,
};
use hedgeschool_sql::{Database, Error as SqlError, Value};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::database::DATABASE;
use crate::{eviction, packages};

/// Largest blob that is fetched as one, in bytes: larger files are announced in pieces.
const PIECE_BYTES_MAX: u64 = 1 << 20;

/// The kinds of entries: `course`.
pub struct Content;

/// A course as an entry has it: see the view `entry`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announced {
    package: String,
    /// `new-course`, in the very bytes that the package's hash covers.
    course: Box<RawValue>,
    stamp: i64,
    files: Vec<File>,
}

/// A file of an announced package.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where the course expects it.
    pub path: String,
    /// The blob with its bytes.
    pub hash: String,
    /// Media type.
    pub media_type: String,
    /// The hash and size of each blob that this one is joined of; itself, if it is not.
    pub pieces: Vec<(String, u64)>,
}

#[derive(Serialize)]
struct Row<'a> {
    package: &'a str,
    course: &'a RawValue,
    stamp: i64,
    files: &'a [File],
    size: u64,
}

impl Kinds for Content {
    const DATABASE: &'static Database = &DATABASE;

    async fn make_insertion(batch: &mut Batch) -> Result<Insertion, Error> {
        if batch.scope.is_some() {
            return Err(Error::Forbidden("courses come from above".into()));
        }
        let mut insertion = Insertion {
            sql: "INSERT INTO apply_batch (entry, peer, text) VALUES (NULL, ?1, ?2)".to_owned(),
            parameters: vec![Value::Text(batch.peer.clone()), advance_json(&batch.advance)],
        };
        for entry in &batch.entries {
            insertion.parameters.push(Value::Text(announced_row(entry)?));
            let place = insertion.parameters.len();
            insertion.sql.push_str(&format!(", (?{place}, ?1, NULL)"));
        }
        Ok(insertion)
    }

    async fn read_about(
        subject: String,
        after: u64,
        limit: u32,
        size: u32,
    ) -> Result<JournalPage, Error> {
        let sql = "SELECT entry.sequence, kind, payload, content, 1
            FROM course JOIN entry ON entry.sequence = journaled
            WHERE course.iri = ?1 AND journaled > ?2 AND ?3 > 0";
        let parameters = [Value::Text(subject), integer(after), Value::from(size)];
        hedgeschool_journal::read_page(&DATABASE, sql, &parameters, after, limit).await
    }

    async fn make_room(holder: Option<String>) -> Result<(), Error> {
        eviction::make_room(holder).await
    }

    async fn current_version(lost: &Lost) -> Result<Option<String>, Error> {
        let sql = "SELECT json_object('id', iri, 'title', title, 'package', package.hash)
            FROM course JOIN package ON package.id = course.package WHERE course.id = ?1";
        let row = DATABASE.query_one(sql, &[lost.reference_value()]).await?;
        Ok(row.map(|mut row| row.take()).transpose()?)
    }

    async fn restore_lost(lost: &Lost) -> Result<bool, Error> {
        let known: serde_json::Value = serde_json::from_str(&lost.payload).unwrap_or_default();
        let package = known.get("package").and_then(serde_json::Value::as_str).unwrap_or_default();
        let failed = |error| Error::Sql(SqlError::Sqlite(format!("{error:?}")));
        packages::republish(package).await.map_err(failed)?;
        Ok(true)
    }
}

/// An entry as `apply_batch` takes it.
fn announced_row(entry: &Entry) -> Result<String, Error> {
    if entry.kind != "course" {
        return Err(Error::Invalid(format!("this node knows no entries of kind {:?}", entry.kind)));
    }
    let invalid = |error| Error::Invalid(format!("an entry is no course: {error}"));
    let announced: Announced = serde_json::from_str(&entry.payload).map_err(invalid)?;
    let pieces = || announced.files.iter().flat_map(|file| &file.pieces);
    if pieces().any(|(_, size)| *size > PIECE_BYTES_MAX) {
        return Err(Error::Invalid(format!("a piece has at most {PIECE_BYTES_MAX} bytes")));
    }
    let row = Row {
        package: &announced.package,
        course: &announced.course,
        stamp: announced.stamp,
        files: &announced.files,
        size: pieces().map(|(_, size)| size).sum(),
    };
    serde_json::to_string(&row).map_err(invalid)
}
