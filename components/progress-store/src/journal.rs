//! `hedgeschool:progress/journal`: what the entries of this store are.

use hedgeschool_journal::{Batch, Entry, Error, Insertion, JournalPage, Kinds, Lost, integer};
use hedgeschool_sql::{Database, Value};
use hedgeschool_xapi::{Facet, term};

use crate::batch::{self, Origin, Other};
use crate::database::DATABASE;
use crate::merge;

/// What [`Kinds::read_about`] answers first are documents by their keys, then statements by their
/// sequences, beyond this.
const STATEMENTS_FROM: u64 = 1 << 40;

/// The kinds of entries: `statement`, `document`, `attachment`, `conflict`.
pub struct Progress;

impl Kinds for Progress {
    const DATABASE: &'static Database = &DATABASE;

    async fn make_insertion(batch: &mut Batch) -> Result<Insertion, Error> {
        let mut bodies = Vec::with_capacity(batch.entries.len());
        let mut documents = Vec::new();
        let mut conflicts = Vec::new();
        let mut others = Vec::new();
        for Entry { sequence: _, kind, payload } in &batch.entries {
            match kind.as_str() {
                "statement" => bodies.push(payload.clone()),
                "document" => documents.push(merge::Document::parse(payload)?),
                "attachment" => others.push(parse_attachment(payload)?),
                "conflict" => conflicts.push(merge::Conflict::parse(payload)?),
                other => {
                    return Err(Error::Invalid(format!(
                        "this node knows no entries of kind {other:?}"
                    )));
                }
            }
        }
        let facts = batch::facts(&bodies)
            .map_err(|_| Error::Invalid("an entry is not a complete statement".into()))?;
        others.extend(merge::documents(documents, &conflicts).await?);
        for conflict in conflicts {
            others.push(conflict.row()?);
        }
        let origin = Origin { peer: batch.peer.clone(), advance: batch.advance.clone() };
        Ok(batch::insertion(bodies, &facts, others, Some(origin)))
    }

    async fn read_about(
        subject: String,
        after: u64,
        limit: u32,
        size: u32,
    ) -> Result<JournalPage, Error> {
        let sql = "WITH found AS (
              SELECT journaled AS place, key AS next FROM document WHERE agent = ?1 AND key > ?2
              ORDER BY key LIMIT ?4),
            sized AS (
              SELECT place, next, sum(size) OVER (ORDER BY next) AS total
              FROM found CROSS JOIN entry ON entry.sequence = place)
            SELECT next, kind, payload, content, (SELECT count(*) FROM found)
            FROM sized CROSS JOIN entry ON entry.sequence = place
            WHERE total <= ?5 OR next = (SELECT min(next) FROM found) ORDER BY next";
        let hash = Value::Integer(term(Facet::Agent, &subject));
        let mut parameters =
            [Value::Text(subject), integer(after), hash, Value::from(limit), Value::from(size)];
        if after < STATEMENTS_FROM {
            let page =
                hedgeschool_journal::read_page(&DATABASE, sql, &parameters, after, limit).await?;
            // Statements follow.
            let through = if page.more { page.through } else { STATEMENTS_FROM };
            return Ok(JournalPage { through, more: true, ..page });
        }
        if let Some(after_statement) = parameters.get_mut(1) {
            *after_statement = integer(after - STATEMENTS_FROM);
        }
        statements_about(&parameters, after, limit).await
    }

    async fn current_version(lost: &Lost) -> Result<Option<String>, Error> {
        let sql = if lost.kind == "statement" {
            "SELECT body FROM statement WHERE sequence = ?1"
        } else {
            "SELECT journaled FROM document WHERE key = ?1 AND content IS NOT NULL"
        };
        let Some(mut row) = DATABASE.query_one(sql, &[lost.reference_value()]).await? else {
            return Ok(None);
        };
        if lost.kind == "statement" {
            return Ok(Some(row.take()?));
        }
        let entry = hedgeschool_journal::find_entry(&DATABASE, row.take()?).await?;
        Ok(entry.map(|entry| entry.payload))
    }

    async fn restore_lost(lost: &Lost) -> Result<bool, Error> {
        if lost.kind != "document" {
            return Ok(false);
        }
        merge::Document::parse(&lost.payload)?.put(crate::clock::now_us()).await?;
        Ok(true)
    }
}

async fn statements_about(
    parameters: &[Value],
    after: u64,
    limit: u32,
) -> Result<JournalPage, Error> {
    // A statement by the learner: found as one by or about the learner.
    let sql = format!(
        "WITH found AS (
          SELECT statement.sequence, octet_length(body) AS size
          FROM segment CROSS JOIN term ON term.segment = number AND hash = ?3 AND source = 0
          CROSS JOIN statement ON statement.sequence = term.sequence
          WHERE number >= ?2 >> 10 AND term.sequence > ?2 AND agent = ?1
          GROUP BY number, term.sequence ORDER BY number, term.sequence LIMIT ?4),
        sized AS (SELECT sequence, sum(size) OVER (ORDER BY sequence) AS total FROM found)
        SELECT sequence + {STATEMENTS_FROM}, 'statement', body, NULL, (SELECT count(*) FROM found)
        FROM sized CROSS JOIN statement USING (sequence)
        WHERE total <= ?5 OR sequence = (SELECT min(sequence) FROM found) ORDER BY sequence"
    );
    hedgeschool_journal::read_page(&DATABASE, &sql, parameters, after, limit).await
}

/// A part of an attachment as a peer sends it.
fn parse_attachment(payload: &str) -> Result<Other, Error> {
    let (body, content) = merge::with_content(payload)?;
    let content = content.ok_or_else(|| Error::Invalid("an attachment has content".into()))?;
    Ok(Other { kind: "attachment", body: body.to_string(), content: Some(content) })
}
