//! `hedgeschool:progress/journal`.

use hedgeschool_sql::{Row, Value};

use crate::batch::{self, BATCH_MAX, Origin, Refusal, sequence};
use crate::bindings::exports::hedgeschool::progress::journal::Guest;
use crate::types::{Entry, Error};
use crate::{DATABASE, Store};

/// The only kind of entry that travels yet.
const STATEMENT: &str = "statement";

impl Guest for Store {
    async fn epoch() -> Result<String, Error> {
        let sql = "SELECT value FROM meta WHERE name = 'epoch'";
        let row = DATABASE.query_one(sql, &[]).await?;
        let mut row = row.ok_or_else(|| Error::Other("the database has no epoch".into()))?;
        Ok(row.take()?)
    }

    async fn entries(after: u64, limit: u32, size: u32) -> Result<Vec<Entry>, Error> {
        if !(1..=BATCH_MAX as u32).contains(&limit) {
            return Err(Error::Invalid(format!("ask for 1 to {BATCH_MAX} entries")));
        }
        // Sizes are summed over the keys first, so that only bodies that fit are read.
        let sql = "WITH next AS (
                SELECT journal.sequence, kind, reference,
                  sum(octet_length(body)) OVER (ORDER BY journal.sequence) AS total
                FROM journal JOIN statement ON statement.sequence = reference
                WHERE journal.sequence > ?1 AND kind = 'statement' ORDER BY journal.sequence LIMIT ?2)
            SELECT next.sequence, kind, body FROM next JOIN statement ON statement.sequence = reference
            WHERE total <= ?3 OR next.sequence = (SELECT min(sequence) FROM next)
            ORDER BY next.sequence";
        let parameters = [sequence(Some(after)), Value::from(limit), Value::from(size)];
        let rows = DATABASE.query(sql, &parameters).await?;
        Ok(rows.into_iter().map(entry).collect::<Result<_, _>>()?)
    }

    async fn acknowledged(upstream: String) -> Result<u64, Error> {
        let sql = "SELECT through FROM acknowledged WHERE upstream = ?1";
        through(sql, &[Value::Text(upstream)]).await
    }

    async fn acknowledge(upstream: String, through: u64) -> Result<(), Error> {
        let sql = "INSERT INTO acknowledged (upstream, through) VALUES (?1, ?2)
            ON CONFLICT (upstream) DO UPDATE SET through = excluded.through";
        Ok(DATABASE.execute(sql, &[Value::Text(upstream), sequence(Some(through))]).await?)
    }

    async fn applied(peer: String, epoch: String) -> Result<u64, Error> {
        let sql = "SELECT through FROM applied WHERE peer = ?1 AND epoch = ?2";
        through(sql, &[Value::Text(peer), Value::Text(epoch)]).await
    }

    async fn apply(
        peer: String,
        epoch: String,
        after: u64,
        entries: Vec<Entry>,
    ) -> Result<u64, Error> {
        let through = check(after, &entries)?;
        let bodies: Vec<_> = entries.into_iter().map(|entry| entry.payload).collect();
        let origin = Origin { peer: peer.clone(), epoch: epoch.clone(), after, through };
        match batch::store(bodies, Some(origin)).await {
            Err(Refusal::Gap) => Err(Error::Gap(Self::applied(peer, epoch).await?)),
            Err(refusal) => Err(refusal.into()),
            Ok(()) => Self::applied(peer, epoch).await,
        }
    }
}

/// Checks a peer's entries and answers the sequence they end with.
fn check(after: u64, entries: &[Entry]) -> Result<u64, Error> {
    if entries.len() > BATCH_MAX {
        return Err(Error::Invalid(format!("a batch has at most {BATCH_MAX} entries")));
    }
    if let Some(other) = entries.iter().find(|entry| entry.kind != STATEMENT) {
        return Err(Error::Invalid(format!("this node knows no entries of kind {:?}", other.kind)));
    }
    entries.iter().try_fold(after, |last, entry| {
        let rule = || Error::Invalid("the sequences of a batch grow and follow `after`".into());
        (entry.sequence > last).then_some(entry.sequence).ok_or_else(rule)
    })
}

async fn through(sql: &str, parameters: &[Value]) -> Result<u64, Error> {
    match DATABASE.query_one(sql, parameters).await? {
        Some(mut row) => Ok(row.take()?),
        None => Ok(0),
    }
}

fn entry(mut row: Row) -> Result<Entry, hedgeschool_sql::Error> {
    Ok(Entry { sequence: row.take()?, kind: row.take()?, payload: row.take()? })
}
