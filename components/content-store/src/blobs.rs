//! Bytes under their hash.

use hedgeschool_journal::{check_room, integer};
use hedgeschool_sql::Value;
use sha2::{Digest, Sha256};
use spin_sdk::wit_bindgen::{StreamReader, StreamWriter, spawn};

use crate::bindings::exports::hedgeschool::content::types::Error;
use crate::bindings::wit_stream;
use crate::database::DATABASE;
use crate::{demand, uploads};

/// Most bytes that one call puts or reads.
const BYTES_MAX: usize = 1 << 20;
/// Most blobs that one call puts or names.
const BLOBS_MAX: usize = 256;

/// See `put-blobs`.
pub async fn put_blobs(blobs: Vec<Vec<u8>>, upload: Option<String>) -> Result<Vec<String>, Error> {
    if blobs.len() > BLOBS_MAX {
        return Err(Error::TooLarge(format!("at most {BLOBS_MAX} blobs a call")));
    }
    if blobs.iter().map(Vec::len).sum::<usize>() > BYTES_MAX {
        return Err(Error::TooLarge(format!("at most {BYTES_MAX} bytes a call")));
    }
    if blobs.is_empty() {
        return Ok(Vec::new());
    }
    check_room(&DATABASE).await?;
    let rows = |row| vec![row; blobs.len()].join(", ");
    let sql = match &upload {
        Some(_) => {
            let rows = rows("(?1, ?, ?, ?)");
            format!("INSERT INTO storing_for (id, hash, size, data) VALUES {rows}")
        }
        None => {
            let rows = rows("(?, ?, ?)");
            format!(
                "INSERT INTO blob (hash, size, data) VALUES {rows} ON CONFLICT (hash) DO NOTHING"
            )
        }
    };
    let mut hashes = Vec::with_capacity(blobs.len());
    let mut parameters = Vec::with_capacity(blobs.len() * 3 + 1);
    parameters.extend(upload.map(Value::Text));
    for blob in blobs {
        let hash = format!("{:x}", Sha256::digest(&blob));
        hashes.push(hash.clone());
        parameters.extend([Value::Text(hash), integer(blob.len() as u64), Value::Blob(blob)]);
    }
    DATABASE.execute(&sql, &parameters).await.map_err(uploads::upload_gone)?;
    Ok(hashes)
}

/// See `missing-blob`.
pub async fn find_missing(hashes: &[String]) -> Result<Option<String>, Error> {
    if hashes.len() > BLOBS_MAX {
        return Err(Error::TooLarge(format!("at most {BLOBS_MAX} blobs a call")));
    }
    let sql = "SELECT value FROM json_each(?1)
        WHERE NOT EXISTS (SELECT 1 FROM blob WHERE blob.hash = value) LIMIT 1";
    let row = DATABASE.query_one(sql, &[Value::Text(serde_json::to_string(hashes)?)]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?)
}

/// See `read-blob`.
pub async fn read_blob(hash: &str, start: u64, length: u32) -> Result<Option<Vec<u8>>, Error> {
    let length = (length as usize).min(BYTES_MAX);
    let Some(mut read) = read_piece(hash, start, length as u64).await? else {
        demand::want_blob(hash).await?;
        return Ok(None);
    };
    while read.len() < length {
        let (at, left) = (start + read.len() as u64, length - read.len());
        match read_piece(hash, at, left as u64).await? {
            Some(more) if !more.is_empty() => read.extend(more),
            _ => break,
        }
    }
    Ok(Some(read))
}

/// The bytes from `start` to the end of the row they are in, `length` at most. Empty past the
/// blob's end. None: no such blob.
async fn read_piece(hash: &str, start: u64, length: u64) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT substr(leaf.data, ?2 - piece.start + 1, ?3)
        FROM blob AS whole
        JOIN piece ON piece.whole = whole.id
        JOIN blob AS leaf ON leaf.id = piece.leaf
        WHERE whole.hash = ?1 AND piece.start <= ?2
        ORDER BY piece.start DESC
        LIMIT 1";
    let parameters = [Value::Text(hash.to_owned()), integer(start), integer(length)];
    let Some(mut row) = DATABASE.query_one(sql, &parameters).await? else { return Ok(None) };
    // SQLite has NULL for a part of an empty value.
    Ok(Some(row.take::<Option<_>>()?.unwrap_or_default()))
}

/// See `stream-blob`. The first piece is read before this returns, so that a blob that is not
/// there is an error and not an empty stream.
pub async fn stream_blob(hash: String, start: u64, length: u64) -> Result<StreamReader<u8>, Error> {
    let first = read_piece(&hash, start, length).await?;
    let first = first.ok_or_else(|| Error::MissingBlob(hash.clone()))?;
    let (writer, reader) = wit_stream::new::<u8>();
    spawn(feed_stream(writer, hash, start, length, first));
    Ok(reader)
}

/// Writes pieces until all is written, the blob ends, or the reader has gone.
async fn feed_stream(
    mut writer: StreamWriter<u8>,
    hash: String,
    mut start: u64,
    mut length: u64,
    mut next: Vec<u8>,
) {
    while !next.is_empty() {
        let written = next.len() as u64;
        if !writer.write_all(next).await.is_empty() {
            return;
        }
        (start, length) = (start + written, length - written);
        if length == 0 {
            return;
        }
        next = match read_piece(&hash, start, length).await {
            Ok(piece) => piece.unwrap_or_default(),
            Err(error) => return eprintln!("blob {hash} ends early at byte {start}: {error}"),
        };
    }
}
