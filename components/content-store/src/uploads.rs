//! `hedgeschool:content/uploads`: files on their way here, to be imported.

mod policy;

use hedgeschool_journal::{check_room, integer};
use hedgeschool_sql::{Error as SqlError, Row, Value};

use crate::bindings::exports::hedgeschool::content::types::{Error, Upload};
use crate::bindings::exports::hedgeschool::content::uploads::Guest;
use crate::database::DATABASE;
use crate::reclaim::{shrink_file, sweep_orphans};
use crate::store::Store;
use policy::{Appending, Clearing, judge_bytes, next_clearing};

/// Most bytes that one call takes or reads.
const BYTES_MAX: usize = 1 << 20;
/// Most bytes of a file.
const SIZE_MAX: u64 = 16 << 30;
/// Most uploads that are underway at a time.
const UPLOADS_MAX: i64 = 16;
/// Longest name of an upload, and of its file, in bytes.
const ID_BYTES_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 1_024;
/// How long an upload is kept that nobody touches, in seconds.
const KEPT_S: i64 = 7 * 24 * 3_600;
/// How long it may be found what has come of one, in seconds, and of how many.
const FOUND_S: i64 = 24 * 3_600;
const FOUND_MAX: i64 = 1_000;
/// For how long who imports one is left alone, in seconds.
const LEASE_S: i64 = 10;
/// Pieces that one statement deletes: of at most 1 MiB each.
const CLEARED: u32 = 64;

/// Most imports at a time: each holds a piece of a package, and keeps a processor busy.
const IMPORTS_MAX: i64 = 2;
/// Has `?2` import an upload for some time, or for longer, unless somebody else does, or as many
/// others as may (`?6`) are imported.
const CLAIM: &str = "UPDATE upload SET importer = ?2, leased_s = unixepoch() + ?5, done = ?3,
      total = ?4, touched_s = unixepoch()
    WHERE id = ?1 AND NOT is_discarded
      AND (importer = ?2 OR (importer IS NULL OR leased_s < unixepoch())
        AND ?6 > (SELECT count(*) FROM upload AS other WHERE other.id <> ?1
          AND other.importer IS NOT NULL AND other.leased_s >= unixepoch()
          AND NOT other.is_discarded))";

/// What a procedure says of an upload that was discarded (`migrations/0002-uploads.sql`).
const GONE: &str = "no such upload";

/// The columns that [`read_upload`] reads.
const COLUMNS: &str = "id, name, size, length, touched_s * 1000,
    iif(leased_s >= unixepoch(), done, NULL), total, outcome";

impl Guest for Store {
    async fn begin(
        id: String,
        name: String,
        size: Option<u64>,
        kept_s: u32,
    ) -> Result<bool, Error> {
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(Error::Invalid(format!("an upload's id has 1 to {ID_BYTES_MAX} bytes")));
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Error::Invalid(format!(
                "a file's name has at most {NAME_BYTES_MAX} bytes"
            )));
        }
        check_size(size.unwrap_or_default())?;
        check_room(&DATABASE).await?;
        let sql = "INSERT INTO upload (id, name, size, kept_s) SELECT ?1, ?2, ?3, ?4
            WHERE ?5 > (SELECT count(*) FROM upload
              WHERE NOT is_discarded AND touched_s > unixepoch() - kept_s)
            ON CONFLICT (id) DO NOTHING";
        let size = size.map_or(Value::Null, integer);
        let kept = Value::Integer(if kept_s == 0 { KEPT_S } else { kept_s.into() });
        let most = Value::Integer(UPLOADS_MAX);
        let parameters = [Value::Text(id.clone()), Value::Text(name), size, kept, most];
        DATABASE.execute(sql, &parameters).await?;
        Ok(find_underway(&id).await?.is_some())
    }

    async fn append(id: String, start: u64, bytes: Vec<u8>) -> Result<Option<u64>, Error> {
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooLarge(format!("at most {BYTES_MAX} bytes a call")));
        }
        let Some(known) = find_underway(&id).await? else { return Ok(None) };
        check_size(start.saturating_add(bytes.len() as u64))?;
        let mut bytes = bytes;
        match judge_bytes(known.length, known.size, start, bytes.len()) {
            Appending::Store { known } => drop(bytes.drain(..known)),
            Appending::Nothing => return Ok(Some(known.length)),
            Appending::PastAnnounced(size) => {
                let rule = format!("goes past the {size} bytes that were announced");
                return Err(Error::TooLarge(rule));
            }
        }
        check_room(&DATABASE).await?;
        let sql = "INSERT INTO appending (id, start, data) VALUES (?1, ?2, ?3)";
        let parameters = [Value::Text(id.clone()), integer(known.length), Value::Blob(bytes)];
        DATABASE.execute(sql, &parameters).await?;
        Ok(find_underway(&id).await?.map(|upload| upload.length))
    }

    async fn find(id: String) -> Result<Option<Upload>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM upload WHERE id = ?1 AND (outcome IS NOT NULL
              OR NOT is_discarded AND touched_s > unixepoch() - kept_s)"
        );
        let row = DATABASE.query_one(&sql, &[Value::Text(id)]).await?;
        row.map(read_upload).transpose()
    }

    async fn underway() -> Result<Vec<Upload>, Error> {
        let sql = format!(
            "SELECT {COLUMNS} FROM upload
            WHERE NOT is_discarded AND touched_s > unixepoch() - kept_s ORDER BY number LIMIT ?1"
        );
        let rows = DATABASE.query(&sql, &[Value::Integer(UPLOADS_MAX)]).await?;
        rows.into_iter().map(read_upload).collect()
    }

    async fn read(id: String, start: u64, length: u32) -> Result<Option<Vec<u8>>, Error> {
        let Some(known) = find_underway(&id).await? else { return Ok(None) };
        let length = (length as usize).min(BYTES_MAX);
        let mut read = Vec::new();
        while read.len() < length && start + (read.len() as u64) < known.length {
            let (at, left) = (start + read.len() as u64, length - read.len());
            let sql = "SELECT substr(data, ?2 - start + 1, ?3) FROM upload_piece
                WHERE upload = (SELECT number FROM upload WHERE id = ?1) AND start <= ?2
                ORDER BY start DESC LIMIT 1";
            let parameters = [Value::from(id.as_str()), integer(at), integer(left as u64)];
            let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else { break };
            match row.take::<Option<Vec<u8>>>()? {
                Some(piece) if read.is_empty() => read = piece,
                Some(piece) if !piece.is_empty() => read.extend(piece),
                _ => break,
            }
        }
        Ok(Some(read))
    }

    async fn claim(id: String, importer: String, done: u64, total: u64) -> Result<bool, Error> {
        let names = [Value::from(id.as_str()), Value::from(importer.as_str())];
        let [id, importer] = names.clone();
        let numbers = [integer(done), integer(total), LEASE_S.into(), IMPORTS_MAX.into()];
        let [done, total, lease, most] = numbers;
        DATABASE.execute(CLAIM, &[id, importer, done, total, lease, most]).await?;
        let sql = "SELECT 1 FROM upload WHERE id = ?1 AND importer = ?2 AND NOT is_discarded";
        Ok(DATABASE.query_one(sql, &names).await?.is_some())
    }

    async fn release(id: String, importer: String) -> Result<(), Error> {
        let sql = "SELECT number FROM upload WHERE id = ?1 AND importer = ?2";
        let names = [Value::Text(id), Value::Text(importer)];
        let Some(mut row) = DATABASE.query_one(sql, &names).await? else { return Ok(()) };
        forget_blobs(row.take()?).await?;
        let sql = "UPDATE upload SET importer = NULL, leased_s = 0 WHERE id = ?1 AND importer = ?2";
        Ok(DATABASE.execute(sql, &names).await?)
    }

    async fn discard(id: String, outcome: Option<String>) -> Result<(), Error> {
        let sql = "UPDATE upload SET is_discarded = 1, outcome = ?2, touched_s = unixepoch()
            WHERE id = ?1 AND NOT is_discarded";
        let outcome = outcome.map_or(Value::Null, Value::Text);
        Ok(DATABASE.execute(sql, &[Value::Text(id), outcome]).await?)
    }

    async fn clear() -> Result<bool, Error> {
        let sql = "SELECT number, EXISTS (SELECT 1 FROM upload_piece WHERE upload = number),
              EXISTS (SELECT 1 FROM upload_blob WHERE upload = number) AS blobs,
              outcome IS NULL OR touched_s <= unixepoch() - ?1
                OR number <= (SELECT max(number) FROM upload) - ?2 AS is_over
            FROM upload WHERE (is_discarded OR touched_s <= unixepoch() - kept_s)
              AND (is_over OR blobs OR EXISTS (SELECT 1 FROM upload_piece WHERE upload = number))
            ORDER BY number LIMIT 1";
        let parameters = [FOUND_S, FOUND_MAX].map(Value::Integer);
        let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else { return Ok(false) };
        let (number, has_pieces): (u64, bool) = (row.take()?, row.take()?);
        let (has_blobs, is_over): (bool, bool) = (row.take()?, row.take()?);
        // Whoever sends what nobody has touched for so long finds it gone.
        let sql = "UPDATE upload SET is_discarded = 1 WHERE number = ?1 AND NOT is_discarded";
        DATABASE.execute(sql, &[integer(number)]).await?;
        match next_clearing(has_blobs, has_pieces, is_over) {
            Clearing::Blobs => forget_blobs(number).await?,
            Clearing::Pieces => clear_pieces(number).await?,
            Clearing::Itself => {
                let sql = "DELETE FROM upload WHERE number = ?1";
                DATABASE.execute(sql, &[integer(number)]).await?;
            }
            Clearing::Nothing => {}
        }
        Ok(true)
    }
}

/// Keeps what was stored for an upload no longer for it.
async fn forget_blobs(number: u64) -> Result<(), Error> {
    let sql = "INSERT INTO forgetting (upload) VALUES (?1)";
    DATABASE.execute(sql, &[integer(number)]).await?;
    Ok(sweep_orphans().await?)
}

/// Deletes some pieces of an upload and, after the last, gives their room back to the disk.
async fn clear_pieces(number: u64) -> Result<(), Error> {
    let sql = "DELETE FROM upload_piece WHERE rowid IN (
        SELECT rowid FROM upload_piece WHERE upload = ?1 ORDER BY start LIMIT ?2)";
    DATABASE.execute(sql, &[integer(number), CLEARED.into()]).await?;
    let sql = "SELECT 1 FROM upload_piece WHERE upload = ?1 LIMIT 1";
    if DATABASE.query_one(sql, &[integer(number)]).await?.is_none() {
        shrink_file().await?;
    }
    Ok(())
}

/// An upload that is underway.
async fn find_underway(id: &str) -> Result<Option<Upload>, Error> {
    let found = <Store as Guest>::find(id.to_owned()).await?;
    Ok(found.filter(|upload| upload.outcome.is_none()))
}

fn check_size(bytes: u64) -> Result<(), Error> {
    if bytes <= SIZE_MAX {
        return Ok(());
    }
    Err(Error::TooLarge(format!("a file that is imported has at most {SIZE_MAX} bytes")))
}

/// The failure of a procedure for an upload.
pub fn upload_gone(error: SqlError) -> Error {
    match error {
        SqlError::Sqlite(text) if text.contains(GONE) => {
            Error::Invalid("the upload was discarded".into())
        }
        error => error.into(),
    }
}

fn read_upload(mut row: Row) -> Result<Upload, Error> {
    let (id, name, size) = (row.take()?, row.take()?, row.take()?);
    let (length, touched) = (row.take()?, row.take()?);
    let (done, total): (Option<u64>, u64) = (row.take()?, row.take()?);
    let importing = done.map(|done| (done, total));
    Ok(Upload { id, name, size, length, touched, importing, outcome: row.take()? })
}

#[cfg(test)]
#[path = "uploads_tests.rs"]
mod tests;
