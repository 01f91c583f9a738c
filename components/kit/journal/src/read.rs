use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hedgeschool_sql::{Database, Row, Value};

use crate::{ENTRIES_MAX, Error, integer};

/// How many entries one call looks at to find those for a node below, most of which are not.
const LOOKED_AT_MAX: u32 = 10_000;
/// How many new entries are looked at to tell whom they concern; more concern everyone.
const CONCERNED_MAX: u32 = 2_000;

/// One change.
pub struct Entry {
    /// Position in its journal.
    pub sequence: u64,
    /// What changed.
    pub kind: String,
    /// The change, as JSON.
    pub payload: String,
}

/// For whom entries are read.
pub struct Audience {
    /// The other node.
    pub node: String,
    /// What came from here is not for it.
    pub origin: String,
    /// It is the node above.
    pub above: bool,
    /// The nodes whose own data count.
    pub serves: Vec<String>,
}

/// A part of a journal.
pub struct Page {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Everything through this was looked at.
    pub through: u64,
    /// There is more after that.
    pub more: bool,
}

/// The sequence of the last entry.
pub async fn head(database: &Database) -> Result<u64, Error> {
    let row = database.query_one("SELECT max(sequence) FROM journal", &[]).await?;
    let last = row.map(|mut row| row.take::<Option<u64>>()).transpose()?;
    Ok(last.flatten().unwrap_or(0))
}

/// The entry of a sequence.
pub async fn find(database: &Database, sequence: u64) -> Result<Option<Entry>, Error> {
    let sql = "SELECT sequence, kind, payload, content FROM entry WHERE sequence = ?1";
    let row = database.query_one(sql, &[integer(sequence)]).await?;
    Ok(row.map(entry).transpose()?)
}

/// Entries for an audience.
pub async fn entries(
    database: &Database,
    audience: Audience,
    after: u64,
    until: Option<u64>,
    limit: u32,
    size: u32,
) -> Result<Page, Error> {
    check(limit)?;
    // Most of what there is goes up: there is no need to look far.
    let looked_at = if audience.above { limit } else { LOOKED_AT_MAX };
    let sql = "SELECT max(sequence), count(*), (SELECT max(sequence) FROM journal) FROM (
          SELECT sequence FROM journal WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)";
    let parameters = [integer(after), integer(until.unwrap_or(u64::MAX)), Value::from(looked_at)];
    let row = database.query_one(sql, &parameters).await?;
    let Some(mut row) = row else {
        return Ok(Page { entries: Vec::new(), through: after, more: false });
    };
    let (through, count): (Option<u64>, u64) = (row.take()?, row.take()?);
    let last = row.take::<Option<u64>>()?.unwrap_or(0).min(until.unwrap_or(u64::MAX));
    let Some(through) = through.filter(|_| count > 0) else {
        return Ok(Page { entries: Vec::new(), through: after, more: false });
    };
    let serves = serde_json::Value::from(audience.serves).to_string();
    let parameters = [
        integer(after),
        integer(through),
        Value::Text(audience.node),
        Value::Text(serves),
        Value::from(limit),
        Value::from(size),
        Value::Text(audience.origin),
    ];
    let concerns = if audience.above {
        "upward AND (home IS NULL OR home IN (SELECT value FROM json_each(?4)))"
    } else {
        "(common OR home IN (SELECT value FROM json_each(?4))
           OR subject IN (SELECT subject FROM follower WHERE node = ?3))"
    };
    let sql = format!(
        "WITH next AS (
            SELECT sequence, sum(size) OVER (ORDER BY sequence) AS total FROM entry
            WHERE sequence > ?1 AND sequence <= ?2 AND peer IS NOT ?7 AND {concerns}
            ORDER BY sequence LIMIT ?5)
        SELECT entry.sequence, kind, payload, content, (SELECT count(*) FROM next)
        FROM next CROSS JOIN entry ON entry.sequence = next.sequence
        WHERE total <= ?6 OR next.sequence = (SELECT min(sequence) FROM next)
        ORDER BY next.sequence"
    );
    let (entries, found) = rows(database.query(&sql, &parameters).await?)?;
    let is_cut = found > entries.len() as u64 || entries.len() as u64 >= u64::from(limit);
    let through = entries.last().filter(|_| is_cut).map_or(through, |last| last.sequence);
    Ok(Page { entries, through, more: through < last })
}

/// Whom new entries concern, of those below.
#[derive(Default)]
pub struct Concerned {
    /// Everything through this was looked at.
    pub through: u64,
    /// All of them; or there is too much to tell.
    pub everyone: bool,
    /// These, which follow a subject.
    pub nodes: Vec<String>,
    /// And those which serve these.
    pub homes: Vec<String>,
}

/// Whom the entries after a sequence concern: one look for many nodes.
pub async fn concerned(database: &Database, after: u64) -> Result<Concerned, Error> {
    let sql = "WITH new AS MATERIALIZED (
          SELECT sequence, common, home, subject FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2)
        SELECT 0, NULL, coalesce(max(sequence), ?1), max(common) FROM new
        UNION ALL SELECT DISTINCT 1, home, 0, 0 FROM new WHERE home IS NOT NULL
        UNION ALL SELECT DISTINCT 2, follower.node, 0, 0
          FROM new JOIN follower ON follower.subject = new.subject";
    let rows = database.query(sql, &[integer(after), Value::from(CONCERNED_MAX)]).await?;
    let mut concerned = Concerned::default();
    for mut row in rows {
        let (what, name): (u64, Option<String>) = (row.take()?, row.take()?);
        match (what, name) {
            (1, Some(home)) => concerned.homes.push(home),
            (2, Some(node)) => concerned.nodes.push(node),
            _ => {
                concerned.through = row.take()?;
                concerned.everyone = row.take::<Option<u64>>()? == Some(1);
            }
        }
    }
    if concerned.through >= after + u64::from(CONCERNED_MAX) {
        concerned.everyone = true;
        concerned.through = head(database).await?;
    }
    Ok(concerned)
}

/// The page that a statement answers, in rows of sequence, kind, payload, content, and how many rows there
/// would be without a limit of size.
pub async fn page(
    database: &Database,
    sql: &str,
    parameters: &[Value],
    after: u64,
    limit: u32,
) -> Result<Page, Error> {
    check(limit)?;
    let (entries, found) = rows(database.query(sql, parameters).await?)?;
    let through = entries.last().map_or(after, |last| last.sequence);
    let more = found > entries.len() as u64 || entries.len() as u64 >= u64::from(limit);
    Ok(Page { entries, through, more })
}

fn check(limit: u32) -> Result<(), Error> {
    if (1..=ENTRIES_MAX as u32).contains(&limit) {
        return Ok(());
    }
    Err(Error::Invalid(format!("ask for 1 to {ENTRIES_MAX} entries")))
}

fn rows(rows: Vec<Row>) -> Result<(Vec<Entry>, u64), Error> {
    let mut found = 0;
    let mut entries = Vec::with_capacity(rows.len());
    for mut row in rows {
        entries.push(read(&mut row)?);
        found = row.take()?;
    }
    Ok((entries, found))
}

fn entry(mut row: Row) -> Result<Entry, hedgeschool_sql::Error> {
    read(&mut row)
}

fn read(row: &mut Row) -> Result<Entry, hedgeschool_sql::Error> {
    let (sequence, kind, payload): (_, _, String) = (row.take()?, row.take()?, row.take()?);
    let payload = match row.take::<Option<Vec<u8>>>()? {
        None => payload,
        Some(content) => with_content(payload, &content),
    };
    Ok(Entry { sequence, kind, payload })
}

/// A JSON object with bytes as its last member.
pub(crate) fn with_content(mut object: String, content: &[u8]) -> String {
    object.pop();
    object.reserve(content.len() * 4 / 3 + 20);
    if object.len() > 1 {
        object.push(',');
    }
    object.push_str("\"content\":\"");
    STANDARD.encode_string(content, &mut object);
    object.push_str("\"}");
    object
}

#[cfg(test)]
mod tests {
    use super::with_content;

    #[test]
    fn bytes_join_an_object() {
        assert_eq!(with_content("{}".into(), b"hi"), r#"{"content":"aGk="}"#);
        assert_eq!(with_content(r#"{"a":1}"#.into(), b""), r#"{"a":1,"content":""}"#);
    }
}
