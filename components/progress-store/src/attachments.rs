//! `hedgeschool:progress/attachments`.

use hedgeschool_journal::check_room;
use hedgeschool_sql::Value;

use crate::bindings::exports::hedgeschool::progress::attachments::Guest;
use crate::types::Error;
use crate::{DATABASE, Store};

/// Largest attachment, in bytes.
const BYTES_MAX: usize = 16 << 20;
/// Bytes of a part: what one read answers.
const PART_BYTES: usize = 256 << 10;
/// Most attachments whose lengths one call answers.
const LENGTHS_MAX: usize = 1_000;

impl Guest for Store {
    async fn put(sha2: String, content: Vec<u8>) -> Result<(), Error> {
        store(
            sha2,
            content,
            "INTO attachment (sha2, length, start, data)",
            "ON CONFLICT DO NOTHING",
        )
        .await
    }

    async fn adopt(sha2: String, content: Vec<u8>) -> Result<(), Error> {
        store(sha2, content, "INTO fetched_attachment (sha2, length, start, data)", "").await
    }

    async fn lengths(sha2s: Vec<String>) -> Result<Vec<Option<u64>>, Error> {
        if sha2s.len() > LENGTHS_MAX {
            return Err(Error::Invalid(format!("at most {LENGTHS_MAX} attachments a call")));
        }
        let sql = "SELECT length FROM json_each(?1) AS wanted
            LEFT JOIN attachment ON sha2 = wanted.value AND start = 0 ORDER BY wanted.key";
        let wanted = serde_json::Value::from(sha2s).to_string();
        let rows = DATABASE.query(sql, &[Value::Text(wanted)]).await?;
        Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
    }

    async fn read(sha2: String, start: u64) -> Result<Vec<u8>, Error> {
        let sql = "SELECT substr(data, ?2 - start + 1) FROM attachment
            WHERE sha2 = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1";
        let row = DATABASE.query_one(sql, &[Value::Text(sha2), integer(start)]).await?;
        let mut row = row.ok_or_else(|| Error::Invalid("there is no such attachment".into()))?;
        Ok(row.take()?)
    }
}

/// Stores all parts by one statement.
async fn store(sha2: String, content: Vec<u8>, place: &str, otherwise: &str) -> Result<(), Error> {
    if content.len() > BYTES_MAX {
        return Err(Error::Invalid(format!("an attachment has at most {BYTES_MAX} bytes")));
    }
    check_room(&DATABASE).await?;
    let length = integer(content.len() as u64);
    let mut parts: Vec<&[u8]> = content.chunks(PART_BYTES).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let mut parameters = vec![Value::Text(sha2), length];
    for (index, part) in parts.iter().enumerate() {
        parameters.push(integer((index * PART_BYTES) as u64));
        parameters.push(Value::Blob(part.to_vec()));
    }
    let row = |index: usize| format!("(?1, ?2, ?{}, ?{})", 2 * index + 3, 2 * index + 4);
    let rows: Vec<_> = (0..parts.len()).map(row).collect();
    let sql = format!("INSERT {place} VALUES {} {otherwise}", rows.join(", "));
    Ok(DATABASE.execute(&sql, &parameters).await?)
}

fn integer(number: u64) -> Value {
    // Past the largest integer SQLite has, no attachment has bytes.
    Value::Integer(number.try_into().unwrap_or(i64::MAX))
}
