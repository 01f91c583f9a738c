//! `hedgeschool:content/arrivals`: packages on their way here, blob by blob.

use hedgeschool_journal::{Error as JournalError, check_room, integer, limits, usage};
use hedgeschool_sql::{Row, Value};
use sha2::{Digest, Sha256};

use crate::bindings::exports::hedgeschool::content::arrivals::Guest;
use crate::bindings::exports::hedgeschool::content::types::{Arrival, Error, File, WantedBlob};
use crate::journal::File as AnnouncedFile;
use crate::{DATABASE, Store, blobs, packages};

/// Most blobs that one call names.
const WANTED_MAX: u32 = 256;
/// Most bytes that one call takes.
const BYTES_MAX: usize = 1 << 20;
const ARRIVING_MAX: u32 = 100;

impl Guest for Store {
    async fn wanted(size: u64) -> Result<Vec<WantedBlob>, Error> {
        let sql = "WITH next AS (
              SELECT number, hash, size,
                coalesce((SELECT sum(length(data)) FROM partial WHERE partial.hash = part.hash), 0) AS have
              FROM part WHERE ?3 IS NULL OR number IN (
                SELECT number FROM part GROUP BY number HAVING sum(size) <= ?3)
              ORDER BY number, hash LIMIT ?1)
            SELECT hash, size, have FROM (
              SELECT hash, size, have, number,
                sum(size - have) OVER (ORDER BY number, hash) - (size - have) AS before FROM next)
            WHERE before = 0 OR before + size - have <= ?2 GROUP BY hash ORDER BY number, hash";
        let size = Value::Integer(size.try_into().unwrap_or(i64::MAX));
        let room = room().await?.map_or(Value::Null, integer);
        let rows = DATABASE.query(sql, &[Value::from(WANTED_MAX), size, room]).await?;
        rows.into_iter().map(wanted).collect()
    }

    async fn put_bytes(hash: String, start: u64, bytes: Vec<u8>) -> Result<bool, Error> {
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooLarge(format!("at most {BYTES_MAX} bytes a call")));
        }
        check_room(&DATABASE).await?;
        let sql = "SELECT size FROM part WHERE hash = ?1 LIMIT 1";
        let row = DATABASE.query_one(sql, &[Value::from(hash.as_str())]).await?;
        let Some(mut row) = row else { return Ok(false) };
        let size: u64 = row.take()?;
        let mut have = beginning(&hash).await?;
        if have.len() as u64 != start {
            // Somebody else has brought these bytes meanwhile.
            return Ok(true);
        }
        if start + (bytes.len() as u64) < size {
            let sql = "INSERT INTO partial (hash, start, data) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let start = Value::Integer(start.try_into().unwrap_or(i64::MAX));
            DATABASE.execute(sql, &[Value::Text(hash), start, Value::Blob(bytes)]).await?;
            return Ok(true);
        }
        have.extend(bytes);
        take(hash, have).await
    }

    async fn finish() -> Result<u32, Error> {
        let sql = "SELECT number, hash, course, files, stamp_us, peer FROM announced
            WHERE NOT EXISTS (SELECT 1 FROM part WHERE part.number = announced.number)
            ORDER BY number LIMIT 10";
        let mut finished = 0;
        for mut row in DATABASE.query(sql, &[]).await? {
            let (number, package): (u64, String) = (row.take()?, row.take()?);
            let (course, files): (String, String) = (row.take()?, row.take()?);
            match publish(&package, course, &files, row.take()?, row.take()?).await {
                Ok(()) => finished += 1,
                // What is wrong with it will not get better.
                Err(Error::Invalid(rule) | Error::TooLarge(rule)) => {
                    eprintln!("package {package} was announced, and is refused: {rule}");
                }
                Err(error) => return Err(error),
            }
            let number = Value::Integer(number.try_into().unwrap_or(i64::MAX));
            DATABASE.execute("DELETE FROM announced WHERE number = ?1", &[number]).await?;
        }
        Ok(finished)
    }

    async fn arriving() -> Result<Vec<Arrival>, Error> {
        let sql = "SELECT iri, course ->> 'title', hash, size,
              (SELECT coalesce(sum(part.size), 0) FROM part WHERE part.number = announced.number)
            FROM announced ORDER BY number LIMIT ?1";
        let rows = DATABASE.query(sql, &[Value::from(ARRIVING_MAX)]).await?;
        rows.into_iter().map(arrival).collect()
    }

    async fn given_up() -> Result<Vec<Arrival>, Error> {
        let sql = "SELECT course.iri, course.title, package.hash, size, size FROM (
              SELECT id, hash, used_s, (
                SELECT coalesce(sum(piece.value ->> 1), 0) FROM json_each(away) AS file,
                  json_each(file.value, '$.pieces') AS piece) AS size
              FROM package WHERE away IS NOT NULL) AS package
            JOIN course ON course.package = package.id
            WHERE NOT EXISTS (SELECT 1 FROM announced WHERE announced.hash = package.hash)
            ORDER BY used_s DESC LIMIT ?1";
        let rows = DATABASE.query(sql, &[Value::from(ARRIVING_MAX)]).await?;
        rows.into_iter().map(arrival).collect()
    }
}

/// Bytes of packages that there is room for. None: no limit.
async fn room() -> Result<Option<u64>, JournalError> {
    let Some(limits) = limits(&DATABASE).await? else { return Ok(None) };
    Ok(Some(limits.high.saturating_sub(usage(&DATABASE).await?.live())))
}

/// What is here of a blob that is not whole.
async fn beginning(hash: &str) -> Result<Vec<u8>, Error> {
    let sql = "SELECT data FROM partial WHERE hash = ?1 ORDER BY start";
    let mut bytes = Vec::new();
    for mut row in DATABASE.query(sql, &[Value::from(hash)]).await? {
        bytes.extend(row.take::<Vec<u8>>()?);
    }
    Ok(bytes)
}

/// Takes a blob that is as long as it should be, if it is what its hash says.
async fn take(hash: String, bytes: Vec<u8>) -> Result<bool, Error> {
    if format!("{:x}", Sha256::digest(&bytes)) != hash {
        eprintln!(
            "a blob that was fetched as {hash} is not what its hash says: it is fetched again"
        );
        DATABASE.execute("DELETE FROM partial WHERE hash = ?1", &[Value::Text(hash)]).await?;
        return Ok(false);
    }
    let size = Value::Integer(bytes.len().try_into().unwrap_or(i64::MAX));
    let sql = "INSERT INTO received (hash, size, data) VALUES (?1, ?2, ?3)";
    DATABASE.execute(sql, &[Value::Text(hash), size, Value::Blob(bytes)]).await?;
    Ok(true)
}

/// Joins what is in pieces, and makes the package visible.
async fn publish(
    package: &str,
    course: String,
    files: &str,
    stamp: i64,
    peer: String,
) -> Result<(), Error> {
    let announced: Vec<AnnouncedFile> = serde_json::from_str(files)?;
    let mut files = Vec::with_capacity(announced.len());
    for file in announced {
        let pieces: Vec<_> = file.pieces.iter().map(|(hash, _)| hash.clone()).collect();
        let is_whole = pieces.first() == Some(&file.hash) && pieces.len() == 1;
        if !is_whole && blobs::join(&pieces).await? != file.hash {
            return Err(Error::Invalid(format!("{:?} is not what its hash says", file.path)));
        }
        let AnnouncedFile { path, hash, media_type, pieces: _ } = file;
        files.push(File { path, hash, media_type, size: 0 });
    }
    packages::publish_announced(package, course, &files, stamp, peer).await
}

fn wanted(mut row: Row) -> Result<WantedBlob, Error> {
    Ok(WantedBlob { hash: row.take()?, size: row.take()?, have: row.take()? })
}

fn arrival(mut row: Row) -> Result<Arrival, Error> {
    let (id, title, package, size) = (row.take()?, row.take()?, row.take()?, row.take::<u64>()?);
    let missing: u64 = row.take()?;
    Ok(Arrival { id, title, package, size, have: size.saturating_sub(missing) })
}
