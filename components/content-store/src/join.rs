//! Joining blobs into a larger one, a part of the work a call: hashing a gigabyte takes longer
//! than a call may.

use std::fmt::Write;

use hedgeschool_journal::integer;
use hedgeschool_sql::Value;
use sha2_resumable::digest::common::hazmat::SerializableState;
use sha2_resumable::{Digest, Sha256};

use crate::bindings::exports::hedgeschool::content::types::Error;
use crate::database::DATABASE;
use crate::uploads;

/// Most parts of a joined blob.
pub const PARTS_MAX: usize = 16_384;
/// Most bytes that one call reads, past the first part.
const BYTES_MAX: u64 = 32 << 20;

/// How far the parts have been read.
struct Progress {
    /// How many parts.
    count: usize,
    /// How many bytes these have.
    size: u64,
    hash: Sha256,
}

/// See `join-blobs`.
pub async fn join_blobs(parts: &[&str], upload: Option<String>) -> Result<Option<String>, Error> {
    if parts.len() > PARTS_MAX {
        return Err(Error::TooLarge(format!("at most {PARTS_MAX} parts")));
    }
    if parts.is_empty() {
        return Err(Error::Invalid("has no parts".into()));
    }
    let key = list_key(parts);
    let mut progress = Progress::load(&key).await?;
    let end = progress.size + BYTES_MAX;
    while let Some(hash) = parts.get(progress.count) {
        if progress.size >= end {
            progress.save(key).await?;
            return Ok(None);
        }
        let data = read_part(hash).await?;
        if data.is_empty() && parts.len() > 1 {
            return Err(Error::Invalid("has an empty part".into()));
        }
        progress.hash.update(&data);
        progress.size += data.len() as u64;
        progress.count += 1;
    }
    let hash = to_hexadecimal(&progress.hash.finalize());
    let parts = serde_json::to_string(parts)?;
    let mut parameters = vec![
        Value::Text(hash.clone()),
        integer(progress.size),
        Value::Text(parts),
        Value::Text(key),
    ];
    let sql = match upload {
        Some(upload) => {
            parameters.push(Value::Text(upload));
            "INSERT INTO joining_for (hash, size, parts, key, id) VALUES (?1, ?2, ?3, ?4, ?5)"
        }
        None => "INSERT INTO joining (hash, size, parts, key) VALUES (?1, ?2, ?3, ?4)",
    };
    DATABASE.execute(sql, &parameters).await.map_err(uploads::upload_gone)?;
    Ok(Some(hash))
}

impl Progress {
    async fn load(key: &str) -> Result<Self, Error> {
        let sql = "SELECT count, size, state FROM joined WHERE key = ?1";
        let none = Self { count: 0, size: 0, hash: Sha256::new() };
        let Some(mut row) = DATABASE.query_one(sql, &[Value::from(key)]).await? else {
            return Ok(none);
        };
        let (count, size, state): (u64, u64, Vec<u8>) = (row.take()?, row.take()?, row.take()?);
        let state = state.as_slice().try_into().ok();
        let hash = state.and_then(|state| Sha256::deserialize(state).ok());
        let known = hash.zip(usize::try_from(count).ok());
        Ok(known.map_or(none, |(hash, count)| Self { count, size, hash }))
    }

    async fn save(self, key: String) -> Result<(), Error> {
        let sql = "INSERT INTO joined (key, count, size, state) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (key) DO UPDATE
            SET count = excluded.count, size = excluded.size, state = excluded.state";
        let state = Value::Blob(self.hash.serialize().to_vec());
        let parameters = [Value::Text(key), integer(self.count as u64), integer(self.size), state];
        Ok(DATABASE.execute(sql, &parameters).await?)
    }
}

/// Names a list of parts.
fn list_key(parts: &[&str]) -> String {
    let mut name = Sha256::new();
    for part in parts {
        name.update(part);
        name.update("\n");
    }
    to_hexadecimal(&name.finalize())
}

/// The bytes of a blob that was put.
async fn read_part(hash: &str) -> Result<Vec<u8>, Error> {
    let sql = "SELECT data FROM blob WHERE hash = ?1";
    let row = DATABASE.query_one(sql, &[Value::Text(hash.to_owned())]).await?;
    let mut row = row.ok_or_else(|| Error::MissingBlob(hash.to_owned()))?;
    let joined =
        || Error::Invalid(format!("has a part {hash} that is itself joined: name its parts"));
    row.take::<Option<Vec<u8>>>()?.ok_or_else(joined)
}

fn to_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
