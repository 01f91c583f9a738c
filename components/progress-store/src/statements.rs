//! `hedgeschool:progress/statements`.

use hedgeschool_sql::{Row, Value};
use hedgeschool_xapi::{format_timestamp, parse_timestamp};

use crate::batch::{self, BATCH_MAX, Refusal};
use crate::bindings::exports::hedgeschool::progress::statements::Guest;
use crate::types::{Error, Filter, NewStatement, Page, StoredStatement};
use crate::{DATABASE, Store};

const PAGE_MAX: u32 = 1_000;
const COLUMNS: &str = "SELECT sequence, stored_us, body FROM statement";

impl Guest for Store {
    async fn append(batch: Vec<NewStatement>) -> Result<(), Error> {
        if batch.len() > BATCH_MAX {
            return Err(Error::Invalid(format!("a batch has at most {BATCH_MAX} statements")));
        }
        let bodies: Vec<_> = batch.iter().map(|statement| statement.body.clone()).collect();
        match batch::store(&bodies, None).await {
            Err(Refusal::Conflict) => Err(Error::Conflict(conflicting(&batch).await?)),
            stored => stored.map_err(Error::from),
        }
    }

    async fn get(id: String) -> Result<Option<StoredStatement>, Error> {
        let sql = format!("{COLUMNS} WHERE id = ?1");
        let id = Value::Text(id.to_ascii_lowercase());
        DATABASE.query_one(&sql, &[id]).await?.map(stored).transpose()
    }

    async fn query(filter: Filter) -> Result<Page, Error> {
        if !(1..=PAGE_MAX).contains(&filter.limit) {
            return Err(Error::Invalid(format!("a page has 1 to {PAGE_MAX} statements")));
        }
        let limit = filter.limit as usize;
        let (sql, parameters) = select(filter)?;
        let rows = DATABASE.query(&sql, &parameters).await?;
        // One row more than asked for tells whether there are more.
        let more = rows.len() > limit;
        let statements = rows.into_iter().take(limit).map(stored).collect::<Result<_, _>>()?;
        Ok(Page { statements, more })
    }
}

/// The ids of a batch that other statements have.
async fn conflicting(batch: &[NewStatement]) -> Result<Vec<String>, Error> {
    let sent: Vec<_> = batch.iter().map(|s| [s.id.as_str(), s.fingerprint.as_str()]).collect();
    let sql = "SELECT statement.id FROM json_each(?1) sent JOIN statement ON statement.id = sent.value ->> 0
        WHERE fingerprint <> sent.value ->> 1";
    let sent = serde_json::json!(sent).to_string();
    let rows = DATABASE.query(sql, &[Value::Text(sent)]).await?;
    Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
}

/// A query of only the conditions that were given, so that each can use its index.
fn select(filter: Filter) -> Result<(String, Vec<Value>), Error> {
    let moment = |text: Option<String>| match text {
        Some(text) => parse_timestamp(&text)
            .map(|unix_us| Some(Value::Integer(unix_us)))
            .ok_or_else(|| Error::Invalid(format!("{text:?} is no RFC 3339 date and time"))),
        None => Ok(None),
    };
    let (past, order) =
        if filter.ascending { ("sequence > ", "ASC") } else { ("sequence < ", "DESC") };
    let conditions = [
        ("agent = ", filter.agent.map(Value::Text)),
        ("verb = ", filter.verb.map(Value::Text)),
        ("activity = ", filter.activity.map(Value::Text)),
        ("registration = ", filter.registration.map(Value::Text)),
        ("stored_us > ", moment(filter.since)?),
        ("stored_us <= ", moment(filter.until)?),
        (past, filter.after.map(|after| batch::sequence(Some(after)))),
    ];
    let mut sql = COLUMNS.to_owned();
    let mut parameters = Vec::new();
    for (condition, value) in conditions {
        let Some(value) = value else { continue };
        parameters.push(value);
        let start = if parameters.len() == 1 { "WHERE" } else { "AND" };
        sql.push_str(&format!(" {start} {condition}?{}", parameters.len()));
    }
    sql.push_str(&format!(" ORDER BY sequence {order} LIMIT {}", u64::from(filter.limit) + 1));
    Ok((sql, parameters))
}

/// A row as the statement it holds, with `stored` put in.
fn stored(mut row: Row) -> Result<StoredStatement, Error> {
    let (sequence, stored_us, body): (u64, i64, String) = (row.take()?, row.take()?, row.take()?);
    let members = body.strip_prefix('{').unwrap_or(&body);
    let body = format!("{{\"stored\":\"{}\",{members}", format_timestamp(stored_us));
    Ok(StoredStatement { sequence, body })
}
