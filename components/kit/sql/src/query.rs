use std::rc::Rc;

use spin_sdk::sqlite::Value;
use spin_sdk::sqlite::wit::sqlite::Connection;

use crate::database::{Connections, Database};
use crate::error::Error;
use crate::row::Row;
use crate::statement::{run_statement, write_statement};
use crate::{migrate, retry};

impl Database {
    /// Runs one statement that reads, or writes little and seldom, and answers its rows, all of
    /// them: bound what you ask for.
    ///
    /// # Errors
    /// What the host or SQLite reports, [`Error::Busy`] after 5 s of trying.
    pub async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let connections = self.open_connections().await?;
        retry::while_busy(async || run_statement(&connections.reading, sql, parameters)).await
    }

    /// Runs one statement and answers its first row.
    ///
    /// # Errors
    /// As [`Database::query`].
    pub async fn query_one(&self, sql: &str, parameters: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs one statement for its effect, which is durable when this returns.
    ///
    /// # Errors
    /// As [`Database::query`], and [`Error::Raised`] when a trigger refuses.
    pub async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<(), Error> {
        let connections = self.open_connections().await?;
        retry::while_busy(async || {
            write_statement(&connections.writing, sql, parameters.to_vec()).await
        })
        .await
    }

    /// The same with many parameters, which are made anew for each attempt: a host takes them, and
    /// so none has to be kept for the case that the database is busy.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn execute_made(
        &self,
        sql: &str,
        parameters: impl Fn() -> Vec<Value>,
    ) -> Result<(), Error> {
        let connections = self.open_connections().await?;
        retry::while_busy(async || write_statement(&connections.writing, sql, parameters()).await)
            .await
    }

    /// The instance's connections, opened and migrated at first use.
    ///
    /// Requests may each open some while others wait for a busy database, and the first to finish
    /// are kept: none waits for another, because a task that waits for its neighbour can stall a
    /// shared instance.
    async fn open_connections(&self) -> Result<Rc<Connections>, Error> {
        if let Some(open) = self.slot.with(|slot| slot.get().cloned()) {
            return Ok(open);
        }
        let (reading, writing) = (Connection::open(self.label)?, Connection::open(self.label)?);
        migrate::to_current(&writing, self).await?;
        migrate::leave_waiting_to_us(&reading)?;
        let connections = Rc::new(Connections { reading, writing });
        Ok(self.slot.with(|slot| slot.get_or_init(|| connections).clone()))
    }
}
