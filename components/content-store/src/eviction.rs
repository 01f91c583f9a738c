//! Making room: bytes that the node above has too are given up when space is short, and fetched
//! again when it is not, or when somebody looks for them.

mod policy;

use hedgeschool_journal::{Error, integer, live_bytes, read_limits};

use crate::database::DATABASE;
use crate::reclaim::{shrink_file, sweep_orphans};
use crate::withdrawal;
use policy::{NextArrival, bytes_to_keep, low_water, spare_bytes};

/// Most packages that one call gives up.
const GIVEN_UP_MAX: usize = 20;
/// The package to give up next, of those that a node above (`?1`) has: versions that are no
/// course's first, then those that nobody has used for longest.
const NEXT_VICTIM: &str = "SELECT package.id, package.hash, course.iri
    FROM package LEFT JOIN course ON course.package = package.id
    WHERE package.peer = ?1 AND package.away IS NULL
    ORDER BY course.id IS NOT NULL, used_s, package.id LIMIT 1";
/// Wants the package again that was used last, if it has no more than so many bytes (`?1`).
const TAKE_BACK: &str = "INSERT INTO wanting_again (package, is_opened) SELECT id, 0 FROM (
      SELECT package.id, used_s, (
        SELECT sum(piece.value ->> 1) FROM json_each(package.away) AS file,
          json_each(file.value, '$.pieces') AS piece) AS size
      FROM package JOIN course ON course.package = package.id WHERE package.away IS NOT NULL)
    WHERE size <= ?1 ORDER BY used_s DESC LIMIT 1";

/// Keeps within the noted limits, with the help of a node that has what came from there.
pub async fn make_room(holder: Option<String>) -> Result<(), Error> {
    withdrawal::discard_superseded().await?;
    let Some(limits) = read_limits(&DATABASE).await? else { return take_back(u64::MAX).await };
    let high = limits.high;
    if let Some(holder) = holder {
        let live = live_bytes(&DATABASE).await?;
        // What arrives next matters only while there is room at all.
        let next = if live > high { None } else { next_arrival(&holder).await? };
        give_up(&holder, bytes_to_keep(high, live, next)).await?;
    }
    take_back(spare_bytes(low_water(high), live_bytes(&DATABASE).await?)).await
}

/// The next package that is to arrive, and what could be given up for it.
async fn next_arrival(holder: &str) -> Result<Option<NextArrival>, Error> {
    let sql = "SELECT sum(size), (
          SELECT coalesce(sum(blob.size), 0) FROM package JOIN file ON file.package = package.id
          JOIN blob ON blob.id = file.blob WHERE package.peer = ?1)
        FROM part GROUP BY number ORDER BY number LIMIT 1";
    let row = DATABASE.query_one(sql, &[holder.into()]).await?;
    let arrival = row.map(|mut row| {
        Ok::<_, Error>(NextArrival { missing: row.take()?, dispensable: row.take()? })
    });
    arrival.transpose()
}

/// Gives up packages until so many bytes are in use.
async fn give_up(holder: &str, goal: u64) -> Result<(), Error> {
    sweep_orphans().await?;
    let mut has_given_up = false;
    for _ in 0..GIVEN_UP_MAX {
        if live_bytes(&DATABASE).await? <= goal {
            break;
        }
        let row = DATABASE.query_one(NEXT_VICTIM, &[holder.into()]).await?;
        let Some(mut row) = row else { break };
        let (package, hash): (u64, String) = (row.take()?, row.take()?);
        let course = row.take::<Option<String>>()?;
        let course = course.unwrap_or_else(|| "an older version".into());
        eprintln!("to make room, the bytes of package {hash} ({course}) are given up");
        let sql = "INSERT INTO giving_up (package) VALUES (?1)";
        DATABASE.execute(sql, &[integer(package)]).await?;
        sweep_orphans().await?;
        has_given_up = true;
    }
    if has_given_up { shrink_file().await } else { Ok(()) }
}

/// Wants the package again that was used last, if it has no more than so many bytes and no other
/// is on its way.
async fn take_back(room: u64) -> Result<(), Error> {
    let has_any = "SELECT 1 FROM package
        WHERE away IS NOT NULL AND NOT EXISTS (SELECT 1 FROM announced) LIMIT 1";
    if DATABASE.query_one(has_any, &[]).await?.is_some() {
        DATABASE.execute(TAKE_BACK, &[integer(room)]).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "eviction_tests.rs"]
mod tests;
