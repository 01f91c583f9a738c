//! Giving bytes that nobody needs back to the disk.

use hedgeschool_journal::{Error, integer, read_usage};

use crate::database::DATABASE;

/// Orphans that one statement looks at: of at most 1 MiB each.
const SWEEP: u32 = 64;
/// Pages that one statement gives back to the disk, and most statements of one call.
const SHRINK: &str = "PRAGMA incremental_vacuum(2048)";
const SHRINKS_MAX: usize = 256;

/// Deletes blobs that nobody needs any more, and gives the room back to the disk.
pub async fn reclaim_space() -> Result<(), Error> {
    sweep_orphans().await?;
    shrink_file().await
}

/// Deletes blobs that nobody needs any more.
pub async fn sweep_orphans() -> Result<(), Error> {
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
pub async fn shrink_file() -> Result<(), Error> {
    let mut free = u64::MAX;
    for _ in 0..SHRINKS_MAX {
        let left = read_usage(&DATABASE).await?.free;
        if left == 0 || left >= free {
            return Ok(());
        }
        free = left;
        DATABASE.execute(SHRINK, &[]).await?;
    }
    Ok(())
}
