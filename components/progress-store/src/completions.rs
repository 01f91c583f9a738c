//! `hedgeschool:progress/completions`.

use hedgeschool_sql::{Row, Value};

use crate::bindings::exports::hedgeschool::progress::completions::Guest;
use crate::types::{Completion, Error};
use crate::{DATABASE, Store};

impl Guest for Store {
    async fn of_agent(agent: String) -> Result<Vec<Completion>, Error> {
        let sql = "SELECT activity, completed, passed, score, progress, duration_ms, statements,
              updated_ms
            FROM completion WHERE agent = ?1 ORDER BY updated_ms DESC, activity LIMIT 1000";
        let rows = DATABASE.query(sql, &[Value::Text(agent)]).await?;
        Ok(rows.into_iter().map(completion).collect::<Result<_, _>>()?)
    }
}

fn completion(mut row: Row) -> Result<Completion, hedgeschool_sql::Error> {
    Ok(Completion {
        activity: row.take()?,
        completed: row.take()?,
        passed: row.take()?,
        score: row.take()?,
        progress: row.take::<Option<u64>>()?.and_then(|percent| percent.try_into().ok()),
        duration: row.take()?,
        statements: row.take()?,
        updated: row.take()?,
    })
}
