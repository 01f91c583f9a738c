//! The one way components talk SQL.
//!
//! A store declares its [`Database`] once, as a `static`, and calls [`Database::query`] and
//! [`Database::execute`]. The wrapper knows what `spin:sqlite` leaves to its callers:
//!
//! * of each function there are two, one that blocks the instance and one that does not: what
//!   reads blocks, because that costs less and is soon over; what writes waits for the disk, and
//!   others use the instance meanwhile (ADR 13);
//! * of the one that does not block, errors arrive only after the rows: both are always awaited;
//! * only the first statement of a string is run: a second one is refused;
//! * a database that is busy is tried again, with jitter, until a deadline;
//! * the schema is brought up to date before the first statement, one transaction a migration.
//!
//! **A write is one statement.** It is durable when the call returns, on every host, and requests
//! that share an instance cannot come between its parts. What needs several steps goes into a
//! trigger.

mod describe;
mod error;
mod migrate;
mod retry;
mod row;

use std::cell::OnceCell;
use std::rc::Rc;
use std::thread::LocalKey;

pub use spin_sdk::sqlite::Value;
// The SDK wraps the functions that do not block; its bindings have both.
use spin_sdk::sqlite::wit::sqlite::Connection;

pub use describe::{DESCRIPTION_BYTES, describe};
pub use error::Error;
pub use row::{FromValue, Row};

/// Where an instance keeps its open connections; [`connection_slot!`] declares one.
pub type Slot = LocalKey<OnceCell<Rc<Connections>>>;

/// An instance's connections. They are two because Spin holds a connection until a statement's
/// last row is read: were it the same one, a read would stop the instance for a write that waits
/// for this very instance to read its rows.
pub struct Connections {
    reading: Connection,
    writing: Connection,
}

/// Declares the [`Slot`] of a [`Database`].
#[macro_export]
macro_rules! connection_slot {
    ($name:ident) => {
        ::std::thread_local! {
            static $name: ::std::cell::OnceCell<::std::rc::Rc<$crate::Connections>> =
                const { ::std::cell::OnceCell::new() };
        }
    };
}

/// A database of the app, and the schema this component keeps in it.
pub struct Database {
    /// The label in the manifest's `sqlite_databases`.
    pub label: &'static str,
    /// One script a schema version, oldest first; never edited once released. A blank line
    /// separates the statements of a script.
    pub migrations: &'static [&'static str],
    /// Statements that say how a new file is to be kept, one each, before there is anything in it.
    pub new_file: &'static [&'static str],
    /// What is to be done once in a database that `hedge restore` has put back: a script, as those
    /// above.
    pub restored: &'static str,
    /// The instance's connections; they live as long as the instance.
    pub slot: &'static Slot,
}

impl Database {
    /// Runs one statement that reads, or writes little and seldom, and answers its rows, all of
    /// them: bound what you ask for.
    pub async fn query(&self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
        let connections = self.connections().await?;
        retry::while_busy(async || run(&connections.reading, sql, parameters)).await
    }

    /// Runs one statement and answers its first row.
    pub async fn query_one(&self, sql: &str, parameters: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// Runs one statement for its effect, which is durable when this returns.
    pub async fn execute(&self, sql: &str, parameters: &[Value]) -> Result<(), Error> {
        let connections = self.connections().await?;
        retry::while_busy(async || write(&connections.writing, sql, parameters.to_vec()).await)
            .await
    }

    /// The same with many parameters, which are made anew for each attempt: a host takes them, and
    /// so none has to be kept for the case that the database is busy.
    ///
    /// # Errors
    /// As of [`Self::execute`].
    pub async fn execute_made(
        &self,
        sql: &str,
        parameters: impl Fn() -> Vec<Value>,
    ) -> Result<(), Error> {
        let connections = self.connections().await?;
        retry::while_busy(async || write(&connections.writing, sql, parameters()).await).await
    }

    /// The instance's connections, opened and migrated at first use.
    ///
    /// Requests may each open some while others wait for a busy database, and the first to finish
    /// are kept: none waits for another, because a task that waits for its neighbour can stall a
    /// shared instance.
    async fn connections(&self) -> Result<Rc<Connections>, Error> {
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

/// Runs one statement while the instance stands still.
fn run(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Error> {
    if has_several_statements(sql) {
        return Err(Error::SeveralStatements);
    }
    let result = connection.execute(sql, parameters)?;
    Ok(result.rows.into_iter().map(Row::new).collect())
}

/// Runs one statement while the instance goes on, and drops its rows.
async fn write(connection: &Connection, sql: &str, parameters: Vec<Value>) -> Result<(), Error> {
    if has_several_statements(sql) {
        return Err(Error::SeveralStatements);
    }
    let (_, rows, end) = connection.execute_async(sql.to_owned(), parameters).await?;
    rows.collect().await;
    Ok(end.await?)
}

/// Whether a host would silently drop the end of this string. Trigger bodies hold semicolons of
/// their own; literals that do are not written: values are bound.
fn has_several_statements(sql: &str) -> bool {
    let sql = sql.trim();
    !sql.contains("CREATE TRIGGER") && sql.trim_end_matches(';').contains(';')
}

#[cfg(test)]
mod tests {
    use super::has_several_statements;

    #[test]
    fn a_second_statement_is_noticed() {
        assert!(has_several_statements("SELECT 1; SELECT 2"));
        assert!(!has_several_statements(" SELECT 1;\n"));
        assert!(!has_several_statements("CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END"));
    }
}
