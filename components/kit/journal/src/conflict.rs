use hedgeschool_journal_types::types::Conflict;
use hedgeschool_sql::{Database, Row, Value};

use crate::error::Error;
use crate::kinds::{Kinds, Lost};
use crate::parameter::integer;

/// Most conflicts of a page.
const PAGE: u32 = 100;
/// Bytes of what lost that a page aims for: a document may have megabytes.
const PAGE_BYTES: u32 = 1 << 20;

const COLUMNS: &str = "key, kind, reference, subject, lost, noticed_ms, against";

/// A page of conflicts.
///
/// # Errors
/// When the database fails.
pub async fn read_conflicts<K: Kinds>(after: u64) -> Result<Vec<Conflict>, Error> {
    let sql = format!(
        "WITH next AS (
          SELECT key, sum(octet_length(lost)) OVER (ORDER BY key) AS total FROM conflict
          WHERE NOT settled AND key > ?1 ORDER BY key LIMIT ?2)
        SELECT {COLUMNS} FROM next CROSS JOIN conflict USING (key)
        WHERE total <= ?3 OR key = (SELECT min(key) FROM next) ORDER BY key"
    );
    let parameters = [integer(after), Value::from(PAGE), Value::from(PAGE_BYTES)];
    let (mut conflicts, mut size) = (Vec::new(), 0);
    for row in K::DATABASE.query(&sql, &parameters).await? {
        let lost = read_lost(row)?;
        let standing = K::current_version(&lost).await?;
        size += lost.payload.len() + standing.as_ref().map_or(0, String::len);
        if size > PAGE_BYTES as usize && !conflicts.is_empty() {
            break;
        }
        conflicts.push(conflict_shown(lost, standing));
    }
    Ok(conflicts)
}

/// How many there are.
///
/// # Errors
/// When the database fails.
pub async fn count_conflicts(database: &Database) -> Result<u64, Error> {
    let row = database.query_one("SELECT count(*) FROM conflict WHERE NOT settled", &[]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?.unwrap_or(0))
}

/// Settles a conflict; restores first what lost, if asked to.
///
/// # Errors
/// When what lost cannot be put in place of what stands, and when the database fails.
pub async fn settle_conflict<K: Kinds>(key: u64, restore: bool) -> Result<bool, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conflict WHERE NOT settled AND key = ?1");
    let Some(row) = K::DATABASE.query_one(&sql, &[integer(key)]).await? else { return Ok(false) };
    let lost = read_lost(row)?;
    if restore && !(lost.is_restorable() && K::restore_lost(&lost).await?) {
        let rule =
            format!("a {} that lost cannot be put in place of the one that stands", lost.kind);
        return Err(Error::Invalid(rule));
    }
    let sql = "UPDATE conflict SET settled = 1, peer = NULL WHERE key = ?1";
    K::DATABASE.execute(sql, &[integer(key)]).await?;
    Ok(true)
}

fn read_lost(mut row: Row) -> Result<Lost, hedgeschool_sql::Error> {
    Ok(Lost {
        key: row.take()?,
        kind: row.take()?,
        reference: row.take()?,
        subject: row.take()?,
        payload: row.take()?,
        noticed_ms: row.take()?,
        against: row.take()?,
    })
}

fn conflict_shown(lost: Lost, standing: Option<String>) -> Conflict {
    Conflict {
        is_restorable: lost.is_restorable(),
        key: lost.key,
        kind: lost.kind,
        subject: lost.subject,
        lost: lost.payload,
        standing,
        noticed: lost.noticed_ms,
        against: lost.against,
    }
}
