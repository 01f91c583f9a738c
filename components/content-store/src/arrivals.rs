//! `hedgeschool:content/arrivals`: packages on their way here, blob by blob.

mod policy;

use std::collections::HashMap;

use hedgeschool_journal::{Error as JournalError, check_room, integer, live_bytes, read_limits};
use hedgeschool_sql::{Row, Value};
use sha2::{Digest, Sha256};

use crate::bindings::exports::hedgeschool::content::arrivals::Guest;
use crate::bindings::exports::hedgeschool::content::types::{
    Arrival, BlobBytes, Error, File, WantedBlob,
};
use crate::database::DATABASE;
use crate::journal::File as AnnouncedFile;
use crate::store::Store;
use crate::{join, packages};
use policy::{Fit, PartialBlob, fit_bytes, joined_files};

/// Most blobs that one call names.
const WANTED_MAX: u32 = 1_024;
/// Most blobs of which one call takes bytes.
const PARTS_MAX: usize = 256;
/// Most bytes that one call takes.
const BYTES_MAX: usize = 1 << 20;
const ARRIVING_MAX: u32 = 100;
/// The first package of which every piece is here: it may be published.
pub const FIRST_WHOLE: &str = "SELECT hash, course, files, stamp_us, peer FROM announced
    WHERE NOT EXISTS (SELECT 1 FROM part WHERE part.number = announced.number)
    ORDER BY number LIMIT 1";

impl Guest for Store {
    async fn wanted(size: u64) -> Result<Vec<WantedBlob>, Error> {
        let sql = "WITH next AS (
              SELECT number, hash, size,
                coalesce((SELECT sum(length(data)) FROM partial WHERE partial.hash = part.hash),
                  0) AS have
              FROM part WHERE ?3 IS NULL OR number IN (
                SELECT number FROM part GROUP BY number HAVING sum(size) <= ?3)
              ORDER BY number, hash LIMIT ?1)
            SELECT hash, size, have FROM (
              SELECT hash, size, have, number,
                sum(size - have) OVER (ORDER BY number, hash) - (size - have) AS before FROM next)
            WHERE before = 0 OR before + size - have <= ?2 GROUP BY hash ORDER BY number, hash";
        let size = Value::Integer(size.try_into().unwrap_or(i64::MAX));
        let room = free_bytes().await?.map_or(Value::Null, integer);
        let rows = DATABASE.query(sql, &[Value::from(WANTED_MAX), size, room]).await?;
        rows.into_iter().map(read_wanted).collect()
    }

    async fn put_bytes(parts: Vec<BlobBytes>) -> Result<Vec<String>, Error> {
        if parts.len() > PARTS_MAX {
            return Err(Error::TooLarge(format!("at most {PARTS_MAX} blobs a call")));
        }
        if parts.iter().map(|part| part.bytes.len()).sum::<usize>() > BYTES_MAX {
            return Err(Error::TooLarge(format!("at most {BYTES_MAX} bytes a call")));
        }
        check_room(&DATABASE).await?;
        let mut known = find_partial(&parts).await?;
        let (mut rows, mut refused) = (Vec::new(), Vec::new());
        for part in parts {
            // Somebody else may have brought these bytes meanwhile.
            let Some(wanted) = known.remove(&part.hash) else { continue };
            let hash = part.hash.clone();
            match check_bytes(part, wanted).await? {
                Checked::Received(start, bytes) => rows.push((hash, start, bytes)),
                Checked::Late => {}
                Checked::Wrong => refused.push(hash),
            }
        }
        store_received(rows).await?;
        for hash in &refused {
            eprintln!(
                "a blob that was fetched as {hash} is not what its hash says: it is fetched again"
            );
            let sql = "DELETE FROM partial WHERE hash = ?1";
            DATABASE.execute(sql, &[Value::from(hash.as_str())]).await?;
        }
        Ok(refused)
    }

    async fn finish() -> Result<bool, Error> {
        let Some(mut row) = DATABASE.query_one(FIRST_WHOLE, &[]).await? else { return Ok(false) };
        let (package, course): (String, String) = (row.take()?, row.take()?);
        let (files, stamp, peer): (String, i64, String) = (row.take()?, row.take()?, row.take()?);
        match publish_arrival(&package, course, &files, stamp, peer).await {
            Ok(_) => Ok(true),
            // What is wrong with it will not get better.
            Err(Error::Invalid(rule) | Error::TooLarge(rule)) => {
                eprintln!("package {package} was announced, and is refused: {rule}");
                // By its name: another one may have its number by now.
                let sql = "DELETE FROM announced WHERE hash = ?1";
                DATABASE.execute(sql, &[Value::Text(package)]).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn arriving() -> Result<Vec<Arrival>, Error> {
        let sql = "SELECT iri, course ->> 'title', hash, size,
              (SELECT coalesce(sum(part.size), 0) FROM part WHERE part.number = announced.number)
            FROM announced ORDER BY number LIMIT ?1";
        let rows = DATABASE.query(sql, &[Value::from(ARRIVING_MAX)]).await?;
        rows.into_iter().map(read_arrival).collect()
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
        rows.into_iter().map(read_arrival).collect()
    }
}

/// Bytes of packages that there is room for. None: no limit.
async fn free_bytes() -> Result<Option<u64>, JournalError> {
    let Some(limits) = read_limits(&DATABASE).await? else { return Ok(None) };
    Ok(Some(limits.high.saturating_sub(live_bytes(&DATABASE).await?)))
}

/// Those of the blobs that are wanted.
async fn find_partial(parts: &[BlobBytes]) -> Result<HashMap<String, PartialBlob>, Error> {
    let sql = "SELECT hash, max(size),
          coalesce((SELECT sum(length(data)) FROM partial WHERE partial.hash = part.hash), 0)
        FROM part WHERE hash IN (SELECT value FROM json_each(?1)) GROUP BY hash";
    let hashes: Vec<_> = parts.iter().map(|part| part.hash.as_str()).collect();
    let hashes = Value::Text(serde_json::to_string(&hashes)?);
    let known =
        |mut row: Row| Ok((row.take()?, PartialBlob { size: row.take()?, have: row.take()? }));
    DATABASE.query(sql, &[hashes]).await?.into_iter().map(known).collect()
}

/// What has become of bytes that came.
enum Checked {
    /// They are to be stored: from this byte on, or as the whole blob.
    Received(Option<u64>, Vec<u8>),
    /// They do not follow what is here.
    Late,
    /// The blob is whole, and not what its hash says.
    Wrong,
}

/// Looks what bytes are good for.
async fn check_bytes(part: BlobBytes, wanted: PartialBlob) -> Result<Checked, Error> {
    let BlobBytes { hash, start, bytes } = part;
    match fit_bytes(wanted, start, bytes.len() as u64) {
        Fit::None => return Ok(Checked::Late),
        Fit::Middle => return Ok(Checked::Received(Some(start), bytes)),
        Fit::End => {}
    }
    let whole = if start == 0 { bytes } else { [read_beginning(&hash).await?, bytes].concat() };
    let is_right = format!("{:x}", Sha256::digest(&whole)) == hash;
    Ok(if is_right { Checked::Received(None, whole) } else { Checked::Wrong })
}

/// What is here of a blob that is not whole.
async fn read_beginning(hash: &str) -> Result<Vec<u8>, Error> {
    let sql = "SELECT data FROM partial WHERE hash = ?1 ORDER BY start";
    let mut bytes = Vec::new();
    for mut row in DATABASE.query(sql, &[Value::from(hash)]).await? {
        bytes.extend(row.take::<Vec<u8>>()?);
    }
    Ok(bytes)
}

/// Stores bytes that were checked.
async fn store_received(rows: Vec<(String, Option<u64>, Vec<u8>)>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let places = vec!["(?, ?, ?)"; rows.len()].join(", ");
    let sql = format!("INSERT INTO received (hash, start, data) VALUES {places}");
    let integer = |number: u64| Value::Integer(number.try_into().unwrap_or(i64::MAX));
    let values = |(hash, start, data): (String, Option<u64>, _)| {
        [Value::Text(hash), start.map_or(Value::Null, integer), Value::Blob(data)]
    };
    let parameters: Vec<_> = rows.into_iter().flat_map(values).collect();
    Ok(DATABASE.execute(&sql, &parameters).await?)
}

/// Joins what is in pieces, a part a call, and then makes the package visible. False: call again.
async fn publish_arrival(
    package: &str,
    course: String,
    files: &str,
    stamp: i64,
    peer: String,
) -> Result<bool, Error> {
    let announced: Vec<AnnouncedFile> = serde_json::from_str(files)?;
    if let Some(file) = first_in_pieces(&announced).await? {
        let pieces: Vec<_> = file.pieces.iter().map(|(hash, _)| hash.as_str()).collect();
        let joined = join::join_blobs(&pieces, None).await?;
        if joined.is_some_and(|hash| hash != file.hash) {
            return Err(Error::Invalid(format!("{:?} is not what its hash says", file.path)));
        }
        return Ok(false);
    }
    let file = |AnnouncedFile { path, hash, media_type, pieces: _ }| File {
        path,
        hash,
        media_type,
        size: 0,
    };
    let files: Vec<_> = announced.into_iter().map(file).collect();
    packages::publish_announced(package, course, &files, stamp, peer).await?;
    Ok(true)
}

/// The first file whose pieces are all that is here of it.
async fn first_in_pieces(files: &[AnnouncedFile]) -> Result<Option<&AnnouncedFile>, Error> {
    let joined = joined_files(files);
    let hashes: Vec<_> = joined.iter().map(|file| file.hash.as_str()).collect();
    let sql = "SELECT key FROM json_each(?1)
        WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.hash = value) ORDER BY key LIMIT 1";
    let row = DATABASE.query_one(sql, &[Value::Text(serde_json::to_string(&hashes)?)]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let position: u64 = row.take()?;
    Ok(usize::try_from(position).ok().and_then(|position| joined.get(position).copied()))
}

fn read_wanted(mut row: Row) -> Result<WantedBlob, Error> {
    Ok(WantedBlob { hash: row.take()?, size: row.take()?, have: row.take()? })
}

fn read_arrival(mut row: Row) -> Result<Arrival, Error> {
    let (id, title, package, size) = (row.take()?, row.take()?, row.take()?, row.take::<u64>()?);
    let missing: u64 = row.take()?;
    Ok(Arrival { id, title, package, size, have: size.saturating_sub(missing) })
}
