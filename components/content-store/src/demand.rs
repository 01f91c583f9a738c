//! What of packages is used, and what is wanted again that was given up.

use hedgeschool_journal::integer;
use hedgeschool_sql::{Error as SqlError, Value};

use crate::database::DATABASE;

/// How long it may go unnoticed that a package is used, in seconds.
pub const UNNOTICED_S: i64 = 3_600;

/// Takes note that a package is used. It is no matter if that fails: reading goes on when nothing
/// can be written.
pub async fn note_use(package: u64) {
    let sql = "UPDATE package SET used_s = unixepoch() WHERE id = ?1 AND used_s < unixepoch() - ?2";
    let noted = DATABASE.execute(sql, &[integer(package), Value::Integer(UNNOTICED_S)]).await;
    if let Err(error) = noted {
        eprintln!("it is not noted that a package is used: {error}");
    }
}

/// Whether the bytes of a package's file were given up; then they are wanted again.
pub async fn want_if_away(package: &str, path: &str) -> Result<bool, SqlError> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM announced WHERE announced.hash = package.hash)
        FROM package WHERE hash = ?1 AND EXISTS (
          SELECT 1 FROM json_each(package.away) AS file WHERE file.value ->> 'path' = ?2)";
    let row = DATABASE.query_one(sql, &[package.into(), path.into()]).await?;
    let Some(mut row) = row else { return Ok(false) };
    want_package(row.take()?, row.take()?).await?;
    Ok(true)
}

/// Wants packages again that had a blob for which a node below asks.
pub async fn want_blob(blob: &str) -> Result<(), SqlError> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM announced WHERE announced.hash = package.hash)
        FROM package WHERE EXISTS (
          SELECT 1 FROM json_each(package.away) AS file, json_each(file.value, '$.pieces') AS piece
          WHERE piece.value ->> 0 = ?1) LIMIT 1";
    let Some(mut row) = DATABASE.query_one(sql, &[blob.into()]).await? else { return Ok(()) };
    want_package(row.take()?, row.take()?).await
}

async fn want_package(package: u64, is_wanted: bool) -> Result<(), SqlError> {
    if is_wanted {
        return Ok(());
    }
    let sql = "INSERT INTO wanting_again (package, is_opened) VALUES (?1, 1)";
    DATABASE.execute(sql, &[integer(package)]).await
}
