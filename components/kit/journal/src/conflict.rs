use hedgeschool_sql::{Database, Row, Value};

use crate::{Error, Kinds, integer};

/// Most conflicts of a page.
const PAGE: u32 = 100;
/// Bytes of what lost that a page aims for: a document may have megabytes.
const PAGE_BYTES: u32 = 1 << 20;

/// A version that lost.
pub struct Lost {
    /// Names the conflict.
    pub key: u64,
    /// The kind of what it is about.
    pub kind: String,
    /// The key of what it is about.
    pub reference: u64,
    /// The same, as people name it.
    pub subject: String,
    /// The version, as JSON.
    pub payload: String,
    /// When it was noticed, in milliseconds since 1970.
    pub noticed_ms: i64,
    /// The node to which what it lost against belongs, where that is another one than its own.
    pub against: Option<String>,
}

/// A conflict as people see it.
pub struct Conflict {
    /// What lost.
    pub lost: Lost,
    /// What stands.
    pub standing: Option<String>,
}

const COLUMNS: &str = "key, kind, reference, subject, lost, noticed_ms, against";

/// A page of conflicts.
pub async fn conflicts<K: Kinds>(after: u64) -> Result<Vec<Conflict>, Error> {
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
        let lost = lost(row)?;
        let standing = K::standing(&lost).await?;
        size += lost.payload.len() + standing.as_ref().map_or(0, String::len);
        if size > PAGE_BYTES as usize && !conflicts.is_empty() {
            break;
        }
        conflicts.push(Conflict { lost, standing });
    }
    Ok(conflicts)
}

/// How many there are.
pub async fn count(database: &Database) -> Result<u64, Error> {
    let row = database.query_one("SELECT count(*) FROM conflict WHERE NOT settled", &[]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?.unwrap_or(0))
}

/// Settles a conflict; restores first what lost, if asked to.
pub async fn settle<K: Kinds>(key: u64, restore: bool) -> Result<bool, Error> {
    let sql = format!("SELECT {COLUMNS} FROM conflict WHERE NOT settled AND key = ?1");
    let Some(row) = K::DATABASE.query_one(&sql, &[integer(key)]).await? else { return Ok(false) };
    let lost = lost(row)?;
    if restore && !(lost.is_restorable() && K::restore(&lost).await?) {
        let rule =
            format!("a {} that lost cannot be put in place of the one that stands", lost.kind);
        return Err(Error::Invalid(rule));
    }
    let sql = "UPDATE conflict SET settled = 1, peer = NULL WHERE key = ?1";
    K::DATABASE.execute(sql, &[integer(key)]).await?;
    Ok(true)
}

fn lost(mut row: Row) -> Result<Lost, hedgeschool_sql::Error> {
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

/// Parameters of a row of the table, for stores that notice one.
impl Lost {
    /// Whether this could be put in place of what stands: statements never change, and what
    /// belongs to another node than what stands is another thing.
    pub fn is_restorable(&self) -> bool {
        self.kind != "statement" && self.against.is_none()
    }

    /// The key of what it is about, as a parameter.
    pub fn reference(&self) -> Value {
        integer(self.reference)
    }
}
