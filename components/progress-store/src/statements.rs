//! `hedgeschool:progress/statements`.

use hedgeschool_sql::{Row, Value};
use hedgeschool_xapi::{format_timestamp, parse_uuid};

use crate::batch::{BATCH_MAX, store_batch};
use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::statements::Guest;
use crate::bindings::types::{Error, Filter, Page, StoredStatement};
use crate::clock::now_us;
use crate::database::DATABASE;
use crate::select::Select;

/// Most statements of a page.
const PAGE_MAX: u32 = 1_000;
/// How old the answer of `consistent-through` may become before it costs a write.
const HORIZON_AGE_US: i64 = 250_000;

impl Guest for Store {
    async fn append(batch: Vec<String>) -> Result<(), Error> {
        if batch.len() > BATCH_MAX {
            return Err(Error::Invalid(format!("a batch has at most {BATCH_MAX} statements")));
        }
        store_batch(batch).await
    }

    async fn get(id: String, voided: bool) -> Result<Option<StoredStatement>, Error> {
        let sql = "SELECT sequence, stored_us, body FROM statement WHERE id = ?1 AND voided = ?2";
        let Some(id) = parse_uuid(&id) else { return Ok(None) };
        let parameters = [Value::Blob(id.into_bytes().into()), Value::from(u32::from(voided))];
        let row = DATABASE.query_one(sql, &parameters).await?;
        row.map(|mut row| read_stored(&mut row)).transpose()
    }

    async fn query(filter: Filter) -> Result<Page, Error> {
        if !(1..=PAGE_MAX).contains(&filter.limit) {
            return Err(Error::Invalid(format!("a page has 1 to {PAGE_MAX} statements")));
        }
        let limit = filter.limit as usize;
        let Select { sql, parameters } = Select::of(filter)?;
        let mut statements = Vec::new();
        let mut found: u64 = 0;
        for mut row in DATABASE.query(&sql, &parameters).await?.into_iter().take(limit) {
            statements.push(read_stored(&mut row)?);
            found = row.take()?;
        }
        let more = found > statements.len() as u64;
        Ok(Page { statements, more })
    }

    async fn consistent_through() -> Result<String, Error> {
        let unix_us = match read_horizon().await? {
            reached if now_us() - reached < HORIZON_AGE_US => reached,
            reached => move_horizon(reached).await?,
        };
        Ok(format_timestamp(unix_us))
    }
}

/// The moment through which everything that will ever be stored is there: that of the newest
/// statement, because `stored` grows strictly, or the horizon, which the next one will have to
/// pass.
async fn read_horizon() -> Result<i64, Error> {
    let sql = "SELECT max(horizon.stored_us, coalesce(
            (SELECT stored_us FROM statement ORDER BY sequence DESC LIMIT 1), 0)) FROM horizon";
    let row = DATABASE.query_one(sql, &[]).await?;
    let mut row = row.ok_or_else(|| Error::Other("the database has no horizon".into()))?;
    Ok(row.take()?)
}

/// Moves the horizon to this moment. Writes come one after the other, so when this one is done,
/// those before it can be read, and those after it are stored later. Where nothing can be written
/// (a full disk), nothing is stored either and the old moment still holds.
async fn move_horizon(reached: i64) -> Result<i64, Error> {
    let now = now_us();
    let sql = "UPDATE horizon SET stored_us = max(stored_us, ?1)";
    match DATABASE.execute(sql, &[Value::Integer(now)]).await {
        Ok(()) => Ok(now),
        Err(_) => Ok(reached),
    }
}

/// A row as the statement it holds, with `stored` put in.
fn read_stored(row: &mut Row) -> Result<StoredStatement, Error> {
    let (sequence, stored_us, body): (u64, i64, String) = (row.take()?, row.take()?, row.take()?);
    let stored = format_timestamp(stored_us);
    let members = body.strip_prefix('{').unwrap_or(&body);
    let body = format!("{{\"stored\":\"{stored}\",{members}");
    Ok(StoredStatement { sequence, stored, body })
}
