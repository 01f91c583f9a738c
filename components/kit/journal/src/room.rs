use std::cell::Cell;
use std::time::{Duration, Instant};

use hedgeschool_sql::{Database, Error as SqlError};

use crate::{Error, note, set_note};

/// How long a look at how much is used may count: what is written meanwhile may go past the limit.
const LOOK_AGE: Duration = Duration::from_secs(1);
/// Limits that differ by less than this part of themselves are the same: others' growth is not
/// worth a write.
const SAME_WITHIN: u64 = 1_000;
/// Where the limits are noted.
const NOTE: &str = "limits";

/// How much of the disk a database takes.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes in it that have nothing in them.
    pub free: u64,
}

/// How much of a database may be in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Beyond this, what other nodes hold too is given up.
    pub high: u64,
    /// Beyond this, nothing new is taken in.
    pub full: u64,
}

thread_local! {
    /// When it was last looked, and whether there was room.
    static LOOK: Cell<Option<(Instant, bool)>> = const { Cell::new(None) };
}

impl Usage {
    /// Bytes that are in use.
    pub fn live(self) -> u64 {
        self.bytes.saturating_sub(self.free)
    }
}

/// How much a database takes.
pub async fn usage(database: &Database) -> Result<Usage, Error> {
    let sql = "SELECT page_count * page_size, freelist_count * page_size
        FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
    let row = database.query_one(sql, &[]).await?;
    let mut row = row.ok_or_else(|| SqlError::Sqlite("the database has no size".into()))?;
    Ok(Usage { bytes: row.take()?, free: row.take()? })
}

/// The limits that are noted.
pub async fn limits(database: &Database) -> Result<Option<Limits>, Error> {
    let text = note(database, NOTE.to_owned()).await?;
    Ok(text.and_then(|text| {
        let (high, full) = text.split_once(' ')?;
        Some(Limits { high: high.parse().ok()?, full: full.parse().ok()? })
    }))
}

/// Notes limits, if they are others.
pub async fn set_limits(database: &Database, limits: Option<Limits>) -> Result<(), Error> {
    let known = self::limits(database).await?;
    let is_known = match (known, limits) {
        (Some(known), Some(limits)) => {
            known.full.abs_diff(limits.full) <= limits.full / SAME_WITHIN
                && known.high.abs_diff(limits.high) <= limits.high / SAME_WITHIN
        }
        (known, limits) => known == limits,
    };
    if is_known {
        return Ok(());
    }
    let text = limits.map_or_else(String::new, |Limits { high, full }| format!("{high} {full}"));
    set_note(database, NOTE.to_owned(), text).await
}

/// Refuses with [`SqlError::Full`] when a database is beyond its limit. Before each write that
/// takes something new in: it looks once a second at most.
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
    let sql = "SELECT CAST(substr(text, instr(text, ' ') + 1) AS INTEGER)
          > (page_count - freelist_count) * page_size
        FROM note, pragma_page_count, pragma_freelist_count, pragma_page_size WHERE name = ?1";
    let row = database.query_one(sql, &[NOTE.into()]).await?;
    row.map_or(Ok(true), |mut row| row.take())
}
