//! `hedgeschool:progress/attachments`.

use hedgeschool_journal::{check_room, integer};
use hedgeschool_sql::Value;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::attachments::Guest;
use crate::bindings::types::Error;
use crate::database::DATABASE;

/// Largest attachment, in bytes.
const BYTES_MAX: usize = 16 << 20;
/// Bytes of a part: what one read answers.
const PART_BYTES: usize = 256 << 10;
/// Most attachments whose lengths one call answers.
const LENGTHS_MAX: usize = 1_000;

impl Guest for Store {
    async fn put(sha2: String, content: Vec<u8>) -> Result<(), Error> {
        let sql = |rows: &str| {
            format!(
                "INSERT INTO attachment (sha2, length, start, data) VALUES {rows} \
                 ON CONFLICT DO NOTHING"
            )
        };
        store_parts(sha2, &content, sql).await
    }

    async fn adopt(sha2: String, content: Vec<u8>) -> Result<(), Error> {
        let sql = |rows: &str| {
            format!("INSERT INTO fetched_attachment (sha2, length, start, data) VALUES {rows}")
        };
        store_parts(sha2, &content, sql).await
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
        // Past the largest integer SQLite has, no attachment has bytes.
        let row = DATABASE.query_one(sql, &[Value::Text(sha2), integer(start)]).await?;
        let mut row = row.ok_or_else(|| Error::Invalid("there is no such attachment".into()))?;
        Ok(row.take()?)
    }
}

/// Stores all parts by one statement, which `sql` makes of its rows.
async fn store_parts(
    sha2: String,
    content: &[u8],
    sql: impl Fn(&str) -> String,
) -> Result<(), Error> {
    if content.len() > BYTES_MAX {
        return Err(Error::Invalid(format!("an attachment has at most {BYTES_MAX} bytes")));
    }
    check_room(&DATABASE).await?;
    let parts = cut(content);
    let row = |index: usize| format!("(?1, ?2, ?{}, ?{})", 2 * index + 3, 2 * index + 4);
    let rows: Vec<_> = (0..parts.len()).map(row).collect();
    let sql = sql(&rows.join(", "));
    let parameters = || {
        let mut parameters = vec![Value::Text(sha2.clone()), integer(content.len() as u64)];
        for (part, index) in parts.iter().zip(0_u64..) {
            parameters.push(integer(index * PART_BYTES as u64));
            parameters.push(Value::Blob(part.to_vec()));
        }
        parameters
    };
    Ok(DATABASE.execute_made(&sql, parameters).await?)
}

/// The parts of an attachment: one at least, which may be empty.
fn cut(content: &[u8]) -> Vec<&[u8]> {
    if content.is_empty() { vec![content] } else { content.chunks(PART_BYTES).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole() {
        for (length, count) in [(0, 1), (1, 1), (PART_BYTES, 1), (PART_BYTES + 1, 2)] {
            let content = vec![7; length];
            let parts = cut(&content);
            assert_eq!(parts.len(), count);
            assert_eq!(parts.concat(), content);
        }
    }
}
