use hedgeschool_sql::{Database, Value};

use crate::error::Error;

/// Makes entries about a subject concern a node below.
///
/// # Errors
/// When the database fails.
pub async fn follow_subject(
    database: &Database,
    node: String,
    subject: String,
) -> Result<(), Error> {
    if is_followed(database, node.clone(), subject.clone()).await? {
        return Ok(());
    }
    let sql = "INSERT INTO follower (node, subject) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(database.execute(sql, &[Value::Text(node), Value::Text(subject)]).await?)
}

/// Whether entries about a subject concern a node.
///
/// # Errors
/// When the database fails.
pub async fn is_followed(
    database: &Database,
    node: String,
    subject: String,
) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM follower WHERE node = ?1 AND subject = ?2";
    let row = database.query_one(sql, &[Value::Text(node), Value::Text(subject)]).await?;
    Ok(row.is_some())
}
