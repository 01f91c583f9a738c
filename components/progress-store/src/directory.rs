//! `hedgeschool:progress/directory`.

use hedgeschool_sql::Value;
use hedgeschool_xapi::format::merge_definition;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::directory::Guest;
use crate::bindings::types::Error;
use crate::database::DATABASE;

/// Most activities a call.
const ACTIVITIES_MAX: usize = 1_000;
/// How many of an activity's definitions count: the latest.
const DEFINITIONS_MAX: u32 = 100;
/// Most names of an agent.
const NAMES_MAX: u32 = 100;

impl Guest for Store {
    async fn definitions(activities: Vec<String>) -> Result<Vec<Option<String>>, Error> {
        if activities.len() > ACTIVITIES_MAX {
            return Err(Error::Invalid(format!("at most {ACTIVITIES_MAX} activities a call")));
        }
        let mut definitions = Vec::with_capacity(activities.len());
        for activity in activities {
            definitions.push(merge_definitions(activity).await?);
        }
        Ok(definitions)
    }

    async fn names(agent: String) -> Result<Vec<String>, Error> {
        let sql = "SELECT name FROM persona WHERE agent = ?1 ORDER BY name LIMIT ?2";
        let rows = DATABASE.query(sql, &[Value::Text(agent), Value::from(NAMES_MAX)]).await?;
        Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
    }
}

/// The canonical definition of an activity.
async fn merge_definitions(activity: String) -> Result<Option<String>, Error> {
    let sql = "SELECT body FROM definition WHERE activity = ?1 ORDER BY day DESC, hash LIMIT ?2";
    let parameters = [Value::Text(activity), Value::from(DEFINITIONS_MAX)];
    let mut merged = None;
    for mut row in DATABASE.query(sql, &parameters).await?.into_iter().rev() {
        let body: String = row.take()?;
        let body = serde_json::from_str(&body).map_err(|error| Error::Other(error.to_string()))?;
        merged = Some(merge_definition(merged, &body));
    }
    Ok(merged.map(|definition| definition.to_string()))
}
