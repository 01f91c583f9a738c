//! Making room: bytes that the node above has too are given up when space is short, and fetched
//! again when it is not, or when somebody looks for them.

use hedgeschool_journal::{Error, integer, live_bytes, read_limits};
use hedgeschool_sql::{Error as SqlError, Value};

use crate::{DATABASE, withdrawal};

/// Once some of it is given up, so much of what is allowed is left in use: what comes back soon
/// would not be worth having gone.
const LOW: (u64, u64) = (7, 8);
/// Most packages that one call gives up.
const GIVEN_UP_MAX: usize = 20;
/// Orphans that one statement looks at: of at most 1 MiB each.
const SWEEP: u32 = 64;
/// Pages that one statement gives back to the disk, and most statements of one call.
const SHRINK: &str = "PRAGMA incremental_vacuum(2048)";
const SHRINKS_MAX: usize = 256;
/// How long it may go unnoticed that a package is used, in seconds.
pub const UNNOTICED_S: i64 = 3_600;

/// Keeps within the noted limits, with the help of a node that has what came from there.
pub async fn make(holder: Option<String>) -> Result<(), Error> {
    withdrawal::discard().await?;
    let Some(limits) = read_limits(&DATABASE).await? else { return take_back(u64::MAX).await };
    let low = limits.high / LOW.1 * LOW.0;
    if let Some(holder) = holder {
        let live = live().await?;
        let goal = if live > limits.high { low } else { goal(&holder, limits.high, live).await? };
        give_up(&holder, goal).await?;
    }
    take_back(low.saturating_sub(live().await?)).await
}

/// Deletes blobs that nobody needs any more, and gives the room back to the disk.
pub async fn reclaim() -> Result<(), Error> {
    sweep().await?;
    shrink().await
}

/// Bytes in use.
async fn live() -> Result<u64, Error> {
    live_bytes(&DATABASE).await
}

/// How many bytes may stay in use, for the next package that is to arrive, if giving up others can
/// make room for it.
async fn goal(holder: &str, high: u64, live: u64) -> Result<u64, Error> {
    let sql = "SELECT sum(size), (
          SELECT coalesce(sum(blob.size), 0) FROM package JOIN file ON file.package = package.id
          JOIN blob ON blob.id = file.blob WHERE package.peer = ?1)
        FROM part GROUP BY number ORDER BY number LIMIT 1";
    let row = DATABASE.query_one(sql, &[holder.into()]).await?;
    let Some(mut row) = row else { return Ok(high) };
    let (missing, dispensable): (u64, u64) = (row.take()?, row.take()?);
    let fits = live.saturating_sub(dispensable).saturating_add(missing) <= high;
    Ok(if fits { high.saturating_sub(missing) } else { high })
}

/// Gives up packages until so many bytes are in use: versions that are no course's first, then
/// those that nobody has used for longest.
async fn give_up(holder: &str, goal: u64) -> Result<(), Error> {
    sweep().await?;
    let mut has_given_up = false;
    for _ in 0..GIVEN_UP_MAX {
        if live().await? <= goal {
            break;
        }
        let sql = "SELECT package.id, package.hash, course.iri
            FROM package LEFT JOIN course ON course.package = package.id
            WHERE package.peer = ?1 AND package.away IS NULL
            ORDER BY course.id IS NOT NULL, used_s, package.id LIMIT 1";
        let Some(mut row) = DATABASE.query_one(sql, &[holder.into()]).await? else { break };
        let (package, hash): (u64, String) = (row.take()?, row.take()?);
        let course = row.take::<Option<String>>()?;
        let course = course.unwrap_or_else(|| "an older version".into());
        eprintln!("to make room, the bytes of package {hash} ({course}) are given up");
        let sql = "INSERT INTO giving_up (package) VALUES (?1)";
        DATABASE.execute(sql, &[integer(package)]).await?;
        sweep().await?;
        has_given_up = true;
    }
    if has_given_up { shrink().await } else { Ok(()) }
}

/// Deletes blobs that nobody needs any more.
pub async fn sweep() -> Result<(), Error> {
    let mut after = 0;
    loop {
        let sql = "SELECT min(blob), max(blob) FROM (
            SELECT blob FROM orphan WHERE blob > ?1 ORDER BY blob LIMIT ?2)";
        let row = DATABASE.query_one(sql, &[integer(after), SWEEP.into()]).await?;
        let Some(mut row) = row else { return Ok(()) };
        let (first, last): (Option<u64>, Option<u64>) = (row.take()?, row.take()?);
        let Some((first, last)) = first.zip(last) else { return Ok(()) };
        let sql = "INSERT INTO sweeping (first, last) VALUES (?1, ?2)";
        DATABASE.execute(sql, &[integer(first), integer(last)]).await?;
        after = last;
    }
}

/// Gives pages that have nothing in them back to the disk, where others can use them.
pub async fn shrink() -> Result<(), Error> {
    let mut free = u64::MAX;
    for _ in 0..SHRINKS_MAX {
        let left = usage(&DATABASE).await?.free;
        if left == 0 || left >= free {
            return Ok(());
        }
        free = left;
        DATABASE.execute(SHRINK, &[]).await?;
    }
    Ok(())
}

/// Wants the package again that was used last, if it has no more than so many bytes and no other
/// is on its way.
async fn take_back(room: u64) -> Result<(), Error> {
    let sql = "INSERT INTO wanting_again (package, is_opened) SELECT id, 0 FROM (
          SELECT package.id, used_s, (
            SELECT sum(piece.value ->> 1) FROM json_each(package.away) AS file,
              json_each(file.value, '$.pieces') AS piece) AS size
          FROM package JOIN course ON course.package = package.id WHERE package.away IS NOT NULL)
        WHERE size <= ?1 ORDER BY used_s DESC LIMIT 1";
    let has_any = "SELECT 1 FROM package
        WHERE away IS NOT NULL AND NOT EXISTS (SELECT 1 FROM announced) LIMIT 1";
    if DATABASE.query_one(has_any, &[]).await?.is_some() {
        DATABASE.execute(sql, &[integer(room)]).await?;
    }
    Ok(())
}

/// Takes note that a package is used. It is no matter if that fails: reading goes on when nothing
/// can be written.
pub async fn used(package: u64) {
    let sql = "UPDATE package SET used_s = unixepoch() WHERE id = ?1 AND used_s < unixepoch() - ?2";
    let noted = DATABASE.execute(sql, &[integer(package), Value::Integer(UNNOTICED_S)]).await;
    if let Err(error) = noted {
        eprintln!("it is not noted that a package is used: {error}");
    }
}

/// Whether the bytes of a package were given up; then they are wanted again.
pub async fn is_away(package: &str, path: &str) -> Result<bool, SqlError> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM announced WHERE announced.hash = package.hash)
        FROM package WHERE hash = ?1 AND EXISTS (
          SELECT 1 FROM json_each(package.away) AS file WHERE file.value ->> 'path' = ?2)";
    let row = DATABASE.query_one(sql, &[package.into(), path.into()]).await?;
    let Some(mut row) = row else { return Ok(false) };
    want(row.take()?, row.take()?).await?;
    Ok(true)
}

/// Wants packages again that had a blob for which a node below asks.
pub async fn ask_for(blob: &str) -> Result<(), SqlError> {
    let sql = "SELECT id, EXISTS (SELECT 1 FROM announced WHERE announced.hash = package.hash)
        FROM package WHERE EXISTS (
          SELECT 1 FROM json_each(package.away) AS file, json_each(file.value, '$.pieces') AS piece
          WHERE piece.value ->> 0 = ?1) LIMIT 1";
    let Some(mut row) = DATABASE.query_one(sql, &[blob.into()]).await? else { return Ok(()) };
    want(row.take()?, row.take()?).await
}

async fn want(package: u64, is_wanted: bool) -> Result<(), SqlError> {
    if is_wanted {
        return Ok(());
    }
    let sql = "INSERT INTO wanting_again (package, is_opened) VALUES (?1, 1)";
    DATABASE.execute(sql, &[integer(package)]).await
}
