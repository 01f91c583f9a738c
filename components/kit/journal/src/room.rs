use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_journal_types::types::{Limits, Usage};
use hedgeschool_sql::{Database, Error as SqlError};

use crate::error::Error;
use crate::kinds::Kinds;
use crate::parameter::integer;

/// How long a look at how much is used may count: what is written meanwhile may go past the limit.
const LOOK_AGE: Duration = Duration::from_secs(1);
/// Limits that differ by less than this part of themselves are the same: others' growth is not
/// worth a write.
const SAME_WITHIN: u64 = 1_000;

thread_local! {
    /// When it was last looked, and whether there was room.
    static LOOK: Cell<Option<(Instant, bool)>> = const { Cell::new(None) };
}

/// How much a database takes.
///
/// # Errors
/// When the database fails.
pub async fn read_usage(database: &Database) -> Result<Usage, Error> {
    let sql = "SELECT page_count * page_size, freelist_count * page_size
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let row = database.query_one(sql, &[]).await?;
    let mut row = row.ok_or_else(|| SqlError::Sqlite("the database has no size".into()))?;
    Ok(Usage { bytes: row.take()?, free: row.take()? })
}

/// How many of a database's bytes are in use.
///
/// # Errors
/// When the database fails.
pub async fn live_bytes(database: &Database) -> Result<u64, Error> {
    let Usage { bytes, free } = read_usage(database).await?;
    Ok(bytes.saturating_sub(free))
}

/// The limits that are kept.
///
/// # Errors
/// When the database fails.
pub async fn read_limits(database: &Database) -> Result<Option<Limits>, Error> {
    let row = database.query_one("SELECT high, full FROM size_limit", &[]).await?;
    let Some(mut row) = row else { return Ok(None) };
    Ok(Some(Limits { high: row.take()?, full: row.take()? }))
}

/// Keeps a store within limits.
///
/// # Errors
/// When the database fails or is full.
pub async fn keep_within<K: Kinds>(
    limits: Option<Limits>,
    holder: Option<String>,
) -> Result<(), Error> {
    set_limits(K::DATABASE, limits).await?;
    K::make_room(holder).await
}

/// Keeps limits, if they are others.
async fn set_limits(database: &Database, limits: Option<Limits>) -> Result<(), Error> {
    let known = read_limits(database).await?;
    let is_known = match (&known, &limits) {
        (Some(known), Some(limits)) => {
            known.full.abs_diff(limits.full) <= limits.full / SAME_WITHIN
                && known.high.abs_diff(limits.high) <= limits.high / SAME_WITHIN
        }
        (known, limits) => known == limits,
    };
    if is_known {
        return Ok(());
    }
    let Some(Limits { high, full }) = limits else {
        return Ok(database.execute("DELETE FROM size_limit", &[]).await?);
    };
    let sql = "INSERT INTO size_limit (only, high, full) VALUES (1, ?1, ?2)
        ON CONFLICT (only) DO UPDATE SET high = excluded.high, full = excluded.full";
    Ok(database.execute(sql, &[integer(high), integer(full)]).await?)
}

/// Refuses with [`SqlError::Full`] when a database is beyond its limit. Before each write that
/// takes something new in: it looks once a second at most.
///
/// # Errors
/// [`SqlError::Full`], and when the database fails.
pub async fn check_room(database: &Database) -> Result<(), SqlError> {
    let known = LOOK.get().filter(|(at, _)| at.elapsed() < LOOK_AGE);
    let has_room = match known {
        Some((_, has_room)) => has_room,
        None => {
            let has_room = has_room(database).await?;
            LOOK.set(Some((Instant::now(), has_room)));
            has_room
        }
    };
    if has_room { Ok(()) } else { Err(SqlError::Full) }
}

async fn has_room(database: &Database) -> Result<bool, SqlError> {
    let sql = "SELECT full > (page_count - freelist_count) * page_size
        FROM size_limit, pragma_page_count, pragma_freelist_count, pragma_page_size";
    let row = database.query_one(sql, &[]).await?;
    row.map_or(Ok(true), |mut row| row.take())
}
