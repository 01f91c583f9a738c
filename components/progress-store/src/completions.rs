//! `hedgeschool:progress/completions`.

use hedgeschool_journal::integer;
use hedgeschool_sql::{Row, Value};

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::completions::Guest;
use crate::bindings::types::{Changes, Completion, Error};
use crate::database::DATABASE;

/// Most activities that one call is asked for.
const ACTIVITIES_MAX: usize = 5_000;
/// Most agents that one call names.
const AGENTS_MAX: usize = 1_000;

impl Guest for Store {
    async fn of_agent(agent: String) -> Result<Vec<Completion>, Error> {
        let of = "WHERE agent = ?1 ORDER BY updated_ms DESC, activity LIMIT 1000";
        select_completions(of, &[Value::Text(agent)]).await
    }

    async fn reached(agent: String, activities: Vec<String>) -> Result<Vec<Completion>, Error> {
        if activities.len() > ACTIVITIES_MAX {
            return Err(Error::Invalid(format!("at most {ACTIVITIES_MAX} activities a call")));
        }
        let activities = Value::Text(serde_json::Value::from(activities).to_string());
        let of = "WHERE agent = ?1 AND activity IN (SELECT value FROM json_each(?2))";
        select_completions(of, &[Value::Text(agent), activities]).await
    }

    async fn changes_since(after: Option<u64>) -> Result<Changes, Error> {
        let row = DATABASE.query_one("SELECT max(sequence) FROM statement", &[]).await?;
        let last = row.map(|mut row| row.take::<Option<u64>>()).transpose()?;
        let through = last.flatten().unwrap_or(0);
        let after = after.unwrap_or(through);
        // A database that was put in the place of another one may be shorter.
        let agents = if through < after { None } else { find_agents(after, through).await? };
        Ok(Changes { through, agents })
    }
}

/// The completions that the end of a query chooses.
async fn select_completions(of: &str, parameters: &[Value]) -> Result<Vec<Completion>, Error> {
    let sql = format!(
        "SELECT activity, completed, passed, score, progress, duration_ms, statements, updated_ms
        FROM completion {of}"
    );
    let rows = DATABASE.query(&sql, parameters).await?;
    Ok(rows.into_iter().map(read_completion).collect::<Result<_, _>>()?)
}

/// The agents of statements after a sequence, through another. None: there are too many.
async fn find_agents(after: u64, through: u64) -> Result<Option<Vec<String>>, Error> {
    if after == through {
        return Ok(Some(Vec::new()));
    }
    let sql = "SELECT DISTINCT agent FROM statement
        WHERE sequence > ?1 AND sequence <= ?2 AND agent IS NOT NULL LIMIT ?3";
    let limit = Value::from(AGENTS_MAX as u32 + 1);
    let rows = DATABASE.query(sql, &[integer(after), integer(through), limit]).await?;
    let agents: Vec<_> = rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?;
    Ok(Some(agents).filter(|agents| agents.len() <= AGENTS_MAX))
}

fn read_completion(mut row: Row) -> Result<Completion, hedgeschool_sql::Error> {
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
