//! `hedgeschool:progress/traces`.

use hedgeschool_sql::Value;

use crate::bindings::Store;
use crate::bindings::exports::hedgeschool::progress::traces::{Guest, Trace};
use crate::bindings::types::Error;
use crate::database::DATABASE;

/// How many slots there are.
const SLOTS: u8 = 16;

impl Guest for Store {
    async fn keep(trace: Trace) -> Result<(), Error> {
        let Trace { slot, parent, statement } = trace;
        if slot >= SLOTS {
            return Err(Error::Invalid(format!("there are {SLOTS} slots")));
        }
        let sql = "INSERT INTO trace (slot, parent, statement) VALUES (?1, ?2, ?3) ON CONFLICT
            (slot) DO UPDATE SET parent = excluded.parent, statement = excluded.statement";
        let parameters = [Value::Integer(slot.into()), Value::Text(parent), Value::Text(statement)];
        Ok(DATABASE.execute(sql, &parameters).await?)
    }

    async fn list() -> Result<Vec<Trace>, Error> {
        let rows = DATABASE.query("SELECT slot, parent, statement FROM trace", &[]).await?;
        rows.into_iter()
            .map(|mut row| {
                let (slot, parent, statement) = (row.take()?, row.take()?, row.take()?);
                Ok(Trace { slot, parent, statement })
            })
            .collect()
    }

    async fn forget(slot: u8) -> Result<(), Error> {
        let sql = "DELETE FROM trace WHERE slot = ?1";
        Ok(DATABASE.execute(sql, &[Value::Integer(slot.into())]).await?)
    }
}
