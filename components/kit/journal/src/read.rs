use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hedgeschool_journal_types::types::{Audience, Concern, Entry, JournalPage, Waiting};
use hedgeschool_sql::{Database, Row, Value};

use crate::error::Error;
use crate::parameter::integer;

/// Most entries of a page or a batch.
pub const ENTRIES_MAX: usize = 1_000;
/// How many entries one call looks at to find those for a node below, most of which are not.
const LOOKED_AT_MAX: u32 = 10_000;
/// How many new entries are looked at to tell whom they concern; more concern everyone.
const CONCERNED_MAX: u32 = 2_000;

/// What makes an entry one for an audience, as SQL.
fn audience_condition(audience: &Audience) -> &'static str {
    if audience.above {
        "peer IS NOT ?5 AND upward
          AND (home IS NULL OR home IN (SELECT value FROM json_each(?4)))"
    } else {
        "peer IS NOT ?5 AND (common OR home IN (SELECT value FROM json_each(?4))
           OR subject IN (SELECT subject FROM follower WHERE node = ?3))"
    }
}

/// The parameters of that, after those that say which entries: from the second to the last.
fn audience_parameters(audience: Audience, after: u64, through: u64) -> Vec<Value> {
    let serves = serde_json::Value::from(audience.serves).to_string();
    let texts = [audience.node, serves, audience.origin].map(Value::Text);
    [integer(after), integer(through)].into_iter().chain(texts).collect()
}

/// A part of a journal, and what follows it.
struct Stretch {
    /// Its last sequence.
    through: u64,
    /// The last one that was asked for.
    last: u64,
}

/// The next entries, whoever they are for. None: there are no more.
async fn find_stretch(
    database: &Database,
    after: u64,
    until: Option<u64>,
    limit: u32,
) -> Result<Option<Stretch>, Error> {
    let until = until.unwrap_or(u64::MAX);
    let sql = "SELECT max(sequence), (SELECT max(sequence) FROM journal) FROM (
          SELECT sequence FROM journal WHERE sequence > ?1 AND sequence <= ?2
          ORDER BY sequence LIMIT ?3)";
    let parameters = [integer(after), integer(until), Value::from(limit)];
    let Some(mut row) = database.query_one(sql, &parameters).await? else { return Ok(None) };
    let (through, last): (Option<u64>, Option<u64>) = (row.take()?, row.take()?);
    let last = last.unwrap_or(0).min(until);
    Ok(through.map(|through| Stretch { through, last }))
}

/// How much there is for an audience.
///
/// # Errors
/// When the database fails.
pub async fn count_waiting(
    database: &Database,
    audience: Audience,
    after: u64,
    until: Option<u64>,
) -> Result<Waiting, Error> {
    let nothing = Waiting { entries: 0, oldest: None };
    let Some(looked_at) = find_stretch(database, after, until, LOOKED_AT_MAX).await? else {
        return Ok(nothing);
    };
    let sql = format!(
        "SELECT count(*), min(made_us) FROM entry
        WHERE sequence > ?1 AND sequence <= ?2 AND {}",
        audience_condition(&audience)
    );
    let parameters = audience_parameters(audience, after, looked_at.through);
    let Some(mut row) = database.query_one(&sql, &parameters).await? else { return Ok(nothing) };
    let beyond = looked_at.last.saturating_sub(looked_at.through);
    Ok(Waiting { entries: row.take::<u64>()? + beyond, oldest: row.take()? })
}

/// The sequence of the last entry.
///
/// # Errors
/// When the database fails.
pub async fn read_head(database: &Database) -> Result<u64, Error> {
    let row = database.query_one("SELECT max(sequence) FROM journal", &[]).await?;
    let last = row.map(|mut row| row.take::<Option<u64>>()).transpose()?;
    Ok(last.flatten().unwrap_or(0))
}

/// The entry of a sequence.
///
/// # Errors
/// When the database fails.
pub async fn find_entry(database: &Database, sequence: u64) -> Result<Option<Entry>, Error> {
    let sql = "SELECT sequence, kind, payload, content FROM entry WHERE sequence = ?1";
    let row = database.query_one(sql, &[integer(sequence)]).await?;
    Ok(row.map(read_entry).transpose()?)
}

/// Entries for an audience.
///
/// # Errors
/// When `limit` is not 1 to [`ENTRIES_MAX`], and when the database fails.
pub async fn read_entries(
    database: &Database,
    audience: Audience,
    after: u64,
    until: Option<u64>,
    limit: u32,
    size: u32,
) -> Result<JournalPage, Error> {
    check_limit(limit)?;
    // Most of what there is goes up: there is no need to look far.
    let looked_at = if audience.above { limit } else { LOOKED_AT_MAX };
    let Some(Stretch { through, last }) = find_stretch(database, after, until, looked_at).await?
    else {
        return Ok(JournalPage { entries: Vec::new(), through: after, more: false });
    };
    let sql = format!(
        "WITH next AS (
            SELECT sequence, sum(size) OVER (ORDER BY sequence) AS total FROM entry
            WHERE sequence > ?1 AND sequence <= ?2 AND {}
            ORDER BY sequence LIMIT ?6)
        SELECT entry.sequence, kind, payload, content, (SELECT count(*) FROM next)
        FROM next CROSS JOIN entry ON entry.sequence = next.sequence
        WHERE total <= ?7 OR next.sequence = (SELECT min(sequence) FROM next)
        ORDER BY next.sequence",
        audience_condition(&audience)
    );
    let mut parameters = audience_parameters(audience, after, through);
    parameters.extend([Value::from(limit), Value::from(size)]);
    let (entries, found) = read_rows(database.query(&sql, &parameters).await?)?;
    let is_cut = found > entries.len() as u64 || entries.len() as u64 >= u64::from(limit);
    let through = entries.last().filter(|_| is_cut).map_or(through, |last| last.sequence);
    Ok(JournalPage { entries, through, more: through < last })
}

/// Whom the entries after a sequence concern: one look for many nodes.
///
/// # Errors
/// When the database fails.
pub async fn find_concerned(database: &Database, after: u64) -> Result<Concern, Error> {
    let sql = "WITH new AS MATERIALIZED (
          SELECT sequence, common, home, subject FROM entry WHERE sequence > ?1
          ORDER BY sequence LIMIT ?2)
        SELECT 0, NULL, coalesce(max(sequence), ?1), max(common) FROM new
        UNION ALL SELECT DISTINCT 1, home, 0, 0 FROM new WHERE home IS NOT NULL
        UNION ALL SELECT DISTINCT 2, follower.node, 0, 0
          FROM new JOIN follower ON follower.subject = new.subject";
    let rows = database.query(sql, &[integer(after), Value::from(CONCERNED_MAX)]).await?;
    let mut concerned =
        Concern { through: after, everyone: false, nodes: Vec::new(), homes: Vec::new() };
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
        concerned.through = read_head(database).await?;
    }
    Ok(concerned)
}

/// The page that a statement answers, in rows of sequence, kind, payload, content, and how many
/// rows there would be without a limit of size.
///
/// # Errors
/// When `limit` is not 1 to [`ENTRIES_MAX`], and when the database fails.
pub async fn read_page(
    database: &Database,
    sql: &str,
    parameters: &[Value],
    after: u64,
    limit: u32,
) -> Result<JournalPage, Error> {
    check_limit(limit)?;
    let (entries, found) = read_rows(database.query(sql, parameters).await?)?;
    let through = entries.last().map_or(after, |last| last.sequence);
    let more = found > entries.len() as u64 || entries.len() as u64 >= u64::from(limit);
    Ok(JournalPage { entries, through, more })
}

fn check_limit(limit: u32) -> Result<(), Error> {
    if (1..=ENTRIES_MAX as u32).contains(&limit) {
        return Ok(());
    }
    Err(Error::Invalid(format!("ask for 1 to {ENTRIES_MAX} entries")))
}

fn read_rows(rows: Vec<Row>) -> Result<(Vec<Entry>, u64), Error> {
    let mut found = 0;
    let mut entries = Vec::with_capacity(rows.len());
    for mut row in rows {
        entries.push(read_columns(&mut row)?);
        found = row.take()?;
    }
    Ok((entries, found))
}

fn read_entry(mut row: Row) -> Result<Entry, hedgeschool_sql::Error> {
    read_columns(&mut row)
}

fn read_columns(row: &mut Row) -> Result<Entry, hedgeschool_sql::Error> {
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
