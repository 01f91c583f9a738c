use hedgeschool_sql::{Database, Error as SqlError, Value};

use crate::error::Error;
use crate::parameter::integer;

/// What every store keeps for replication: its first migration.
pub const SCHEMA: &str = include_str!("schema.sql");
/// What replication remembers, in tables: a migration of every store, after which there are no
/// notes.
pub const CHECKPOINTS: &str = include_str!("checkpoints.sql");
/// What a store does once in a database that was restored: other nodes may know more of the
/// journal than there is now, and what is recorded next is to have places of its own.
pub const RESTORED: &str = "UPDATE journal_copy SET epoch = lower(hex(randomblob(16)));";

/// Brings the database to this build's schema; answers why this build can never use it, if so.
///
/// # Errors
/// When the database fails in another way.
pub async fn check_schema(database: &Database) -> Result<Option<String>, Error> {
    match database.query("SELECT 1", &[]).await {
        Ok(_) => Ok(None),
        Err(newer @ SqlError::NewerSchema { .. }) => Ok(Some(newer.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Names this copy of the store.
///
/// # Errors
/// When the database fails, or has no name.
pub async fn read_epoch(database: &Database) -> Result<String, Error> {
    let row = database.query_one("SELECT epoch FROM journal_copy", &[]).await?;
    let mut row = row.ok_or_else(|| Error::Unreadable("the database has no epoch".to_owned()))?;
    Ok(row.take()?)
}

/// Begins another epoch, if it is still this one; what was changed here after a sequence becomes
/// the new one's.
///
/// # Errors
/// When the database fails.
pub async fn begin_epoch(database: &Database, epoch: String, after: u64) -> Result<(), Error> {
    let sql = "INSERT INTO renewing (epoch, fresh, after)
        SELECT epoch, lower(hex(randomblob(16))), ?2 FROM journal_copy WHERE epoch = ?1";
    Ok(database.execute(sql, &[Value::Text(epoch), integer(after)]).await?)
}
