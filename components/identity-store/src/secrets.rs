//! `hedgeschool:identity/secrets`.

use hedgeschool_sql::Value;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::identity::secrets::Guest;
use crate::bindings::types::Error;
use crate::database::DATABASE;

impl Guest for Store {
    async fn get_or_insert(name: String, candidate: String) -> Result<String, Error> {
        let find = "SELECT value FROM secret WHERE name = ?1";
        if let Some(mut row) = DATABASE.query_one(find, &[Value::from(name.as_str())]).await? {
            return Ok(row.take()?);
        }
        // Two instances may come here at once: the update that changes nothing answers the first's
        // value.
        let insert = "INSERT INTO secret (name, value) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET value = value RETURNING value";
        let row = DATABASE.query_one(insert, &[Value::Text(name), Value::Text(candidate)]).await?;
        let mut row = row.ok_or_else(|| Error::Other("the secret was not kept".into()))?;
        Ok(row.take()?)
    }
}
