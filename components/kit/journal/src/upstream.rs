//! What is remembered of the node above.

use hedgeschool_journal_types::types::{CheckpointToken, ScanWatermark, UpstreamState};
use hedgeschool_sql::{Database, Row, Value};

use crate::error::Error;
use crate::parameter::integer;
use crate::peer::unread_note;

/// Most wanted records that one call answers.
const WANTED_MAX: u32 = 10_000;

/// Reads all there is about the node above with one statement.
///
/// # Errors
/// When the database fails, and while something in it cannot be read.
pub async fn read_upstream_state(
    database: &Database,
    upstream: String,
) -> Result<UpstreamState, Error> {
    let sql = "SELECT 'epoch', epoch, '', 0, 0 FROM journal_copy
        UNION ALL SELECT 'head', '', '', coalesce(max(sequence), 0), 0 FROM journal
        UNION ALL SELECT 'followed', '', '', count(*), 0 FROM follower WHERE node = ''
        UNION ALL SELECT 'issued', epoch, receipt, through, 0 FROM told WHERE node = ''
        UNION ALL SELECT 'cursor', above, token, through, epoch = (SELECT epoch FROM journal_copy)
          FROM upstream_cursor WHERE upstream = ?1
        UNION ALL SELECT 'received', above, token, through, 0
          FROM received_token WHERE upstream = ?1
        UNION ALL SELECT 'wanted', '', '', count(*), 0 FROM wanted_record
        UNION ALL SELECT 'watermark', epoch, audience, through, after FROM scan_watermark
        UNION ALL SELECT 'unread', name, '', 0, 0 FROM unread_note";
    let rows = database.query(sql, &[Value::Text(upstream)]).await?;
    let mut state = UpstreamState {
        epoch: String::new(),
        head: 0,
        followed: 0,
        issued: Vec::new(),
        cursor: None,
        earlier: Vec::new(),
        received: Vec::new(),
        wanted: 0,
        watermark: None,
    };
    for mut row in rows {
        add_row(&mut state, &mut row)?;
    }
    Ok(state)
}

fn add_row(state: &mut UpstreamState, row: &mut Row) -> Result<(), Error> {
    let what: String = row.take()?;
    let (epoch, text): (String, String) = (row.take()?, row.take()?);
    let (through, number): (u64, u64) = (row.take()?, row.take()?);
    match what.as_str() {
        "epoch" => state.epoch = epoch,
        "head" => state.head = through,
        "followed" => state.followed = through,
        "wanted" => state.wanted = through,
        "issued" => state.issued.push(CheckpointToken { epoch, through, token: text }),
        "received" => state.received.push(CheckpointToken { epoch, through, token: text }),
        "cursor" => match (CheckpointToken { epoch, through, token: text }, number) {
            (earlier, 0) => state.earlier.push(earlier),
            (cursor, _) => state.cursor = Some(cursor),
        },
        "watermark" => {
            state.watermark = Some(ScanWatermark { epoch, audience: text, after: number, through });
        }
        _ => return Err(unread_note(&epoch)),
    }
    Ok(())
}

/// How far the journal of a node above is read, in an epoch of the one here.
pub(crate) async fn read_cursor(
    database: &Database,
    upstream: String,
    epoch: String,
) -> Result<Option<CheckpointToken>, Error> {
    let sql = "SELECT above, through, token FROM upstream_cursor
        WHERE upstream = ?1 AND epoch = ?2";
    let row = database.query_one(sql, &[Value::Text(upstream), Value::Text(epoch)]).await?;
    let Some(mut row) = row else { return Ok(None) };
    let (epoch, through, token) = (row.take()?, row.take()?, row.take()?);
    Ok(Some(CheckpointToken { epoch, through, token }))
}

/// Takes note of what was heard of the upstream's journal, beside the cursor.
///
/// # Errors
/// When the database fails or is full.
pub async fn receive_token(
    database: &Database,
    upstream: String,
    token: CheckpointToken,
) -> Result<(), Error> {
    let sql = "INSERT INTO received_token (upstream, token, above, through) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (upstream, token)
          DO UPDATE SET above = excluded.above, through = excluded.through";
    let CheckpointToken { epoch, through, token } = token;
    let parameters =
        [Value::Text(upstream), Value::Text(token), Value::Text(epoch), integer(through)];
    Ok(database.execute(sql, &parameters).await?)
}

/// Forgets some of that.
///
/// # Errors
/// When the database fails.
pub async fn forget_tokens(
    database: &Database,
    upstream: String,
    tokens: Vec<String>,
) -> Result<(), Error> {
    let sql = "DELETE FROM received_token
        WHERE upstream = ?1 AND token IN (SELECT value FROM json_each(?2))";
    let tokens = serde_json::Value::from(tokens).to_string();
    Ok(database.execute(sql, &[Value::Text(upstream), Value::Text(tokens)]).await?)
}

/// Takes note that a subject's record is wanted, from its beginning.
///
/// # Errors
/// When the database fails or is full.
pub async fn want_record(database: &Database, subject: String) -> Result<(), Error> {
    let sql = "INSERT INTO wanted_record (subject, after) VALUES (?1, 0)
        ON CONFLICT (subject) DO UPDATE SET after = 0";
    Ok(database.execute(sql, &[Value::Text(subject)]).await?)
}

/// The same of all subjects that concern this node.
///
/// # Errors
/// When the database fails or is full.
pub async fn want_all_records(database: &Database) -> Result<(), Error> {
    let sql = "INSERT INTO wanted_record (subject, after)
        SELECT subject, 0 FROM follower WHERE node = ''
        ON CONFLICT (subject) DO UPDATE SET after = 0";
    Ok(database.execute(sql, &[]).await?)
}

/// The subjects whose records are still to come.
///
/// # Errors
/// When the database fails.
pub async fn wanted_records(database: &Database) -> Result<Vec<String>, Error> {
    let sql = "SELECT subject FROM wanted_record ORDER BY subject LIMIT ?1";
    let rows = database.query(sql, &[Value::from(WANTED_MAX)]).await?;
    Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
}

/// After which sequence the rest of a subject's record begins.
///
/// # Errors
/// When the database fails.
pub async fn wanted_from(database: &Database, subject: String) -> Result<Option<u64>, Error> {
    let sql = "SELECT after FROM wanted_record WHERE subject = ?1";
    let row = database.query_one(sql, &[Value::Text(subject)]).await?;
    Ok(row.map(|mut row| row.take()).transpose()?)
}

/// Takes note that a stretch of the journal was looked through in vain.
///
/// # Errors
/// When the database fails or is full.
pub async fn set_watermark(database: &Database, watermark: ScanWatermark) -> Result<(), Error> {
    let sql = "INSERT INTO scan_watermark (only, epoch, audience, after, through)
        VALUES (1, ?1, ?2, ?3, ?4)
        ON CONFLICT (only) DO UPDATE SET epoch = excluded.epoch, audience = excluded.audience,
          after = excluded.after, through = excluded.through";
    let ScanWatermark { epoch, audience, after, through } = watermark;
    let parameters = [Value::Text(epoch), Value::Text(audience), integer(after), integer(through)];
    Ok(database.execute(sql, &parameters).await?)
}
