//! `spin:sqlite`: SQL databases by label.
//!
//! As under Spin, `execute` stops the instance until the result is there, of `execute-async`
//! whatever is wrong with a statement arrives through the result future, and a connection belongs
//! to the instance that opened it. The database itself is one per file for all instances of the
//! process, which is what lets writes share a commit.

use std::sync::Arc;

use hedge_sqlite::{Connection, Rows};
use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::Capabilities;
use super::bindings::spin::sqlite::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
use super::handles::SqliteConnection;
use crate::runtime::instance::InstanceState;
use crate::telemetry::Span;

/// Connections an instance may hold at one time, as under Spin.
const CONNECTIONS_MAX: usize = 254;

type SqliteHandle = Resource<SqliteConnection>;
type RowsAndEnd = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl InstanceState {
    fn open_sqlite(&mut self, label: &str) -> Result<SqliteHandle, Error> {
        let Some(database) = self.grants.sqlite_databases.get(label) else {
            return Err(Error::AccessDenied);
        };
        if self.connections.sqlite >= CONNECTIONS_MAX {
            let reason = format!("more than {CONNECTIONS_MAX} connections open: drop some");
            return Err(Error::Io(reason));
        }
        let connection = Arc::new(database.connect());
        let connection = SqliteConnection { label: label.into(), connection };
        let handle = self.table.push(connection).map_err(|error| Error::Io(error.to_string()))?;
        self.connections.sqlite += 1;
        Ok(handle)
    }

    fn find_connected(&self, handle: &SqliteHandle) -> Result<&SqliteConnection, Error> {
        self.table.get(handle).map_err(|_| Error::InvalidConnection)
    }

    fn find_connection(&self, handle: &SqliteHandle) -> Result<Arc<Connection>, Error> {
        Ok(self.find_connected(handle)?.connection.clone())
    }
}

impl Host for InstanceState {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl HostConnection for InstanceState {
    async fn open(&mut self, database: String) -> Result<SqliteHandle, Error> {
        self.open_sqlite(&database)
    }

    async fn execute(
        &mut self,
        handle: SqliteHandle,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<QueryResult, Error> {
        let connection = self.find_connection(&handle)?;
        let Rows { columns, rows } = run_statement(&connection, statement, parameters).await?;
        Ok(QueryResult { columns, rows: rows.into_iter().map(to_wit_row).collect() })
    }

    async fn last_insert_rowid(&mut self, handle: SqliteHandle) -> wasmtime::Result<i64> {
        Ok(self.find_connection(&handle)?.last_insert_rowid())
    }

    async fn changes(&mut self, handle: SqliteHandle) -> wasmtime::Result<u64> {
        Ok(self.find_connection(&handle)?.changes())
    }

    async fn drop(&mut self, handle: SqliteHandle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.connections.sqlite = self.connections.sqlite.saturating_sub(1);
        Ok(())
    }
}

/// What a statement is shown as in the trace of the request that it is run for, if that has one.
fn begin_span<T: Send>(
    accessor: &Accessor<T, Capabilities>,
    handle: &SqliteHandle,
    statement: &str,
) -> Result<Option<Span>, Error> {
    accessor.with(|mut access| {
        let state = access.get();
        let Some(traces) = state.traces.clone() else { return Ok(None) };
        let (label, callers) = (state.find_connected(handle)?.label.clone(), state.callers.clone());
        let mut store = access.as_context_mut();
        let stack = store.async_call_stack().map_err(|error| Error::Io(error.to_string()))?;
        let parent = callers.find_parent(stack);
        Ok(parent.map(|parent| traces.begin_statement(&label, statement, parent)))
    })
}

impl<T: Send> HostConnectionWithStore<T> for Capabilities {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        database: String,
    ) -> Result<SqliteHandle, Error> {
        accessor.with(|mut access| access.get().open_sqlite(&database))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        handle: SqliteHandle,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<RowsAndEnd, Error> {
        let connection = accessor.with(|mut access| access.get().find_connection(&handle))?;
        let span = begin_span(accessor, &handle, &statement)?;
        let (rows, end) = match run_statement(&connection, statement, parameters).await {
            Ok(rows) => (rows, Ok(())),
            Err(error) => (Rows::default(), Err(error)),
        };
        drop(span);
        let Rows { columns, rows } = rows;
        let rows: Vec<RowResult> = rows.into_iter().map(to_wit_row).collect();
        let readers = accessor.with(|mut access| {
            let end = std::future::ready(wasmtime::Result::<_>::Ok(end));
            let rows = StreamReader::new(&mut access, rows)?;
            wasmtime::Result::Ok((rows, FutureReader::new(&mut access, end)?))
        });
        let (rows, end) = readers.map_err(|error: wasmtime::Error| Error::Io(error.to_string()))?;
        Ok((columns, rows, end))
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        handle: SqliteHandle,
    ) -> wasmtime::Result<i64> {
        let connection = accessor.with(|mut access| access.get().find_connection(&handle))?;
        Ok(connection.last_insert_rowid())
    }

    async fn changes_async(
        accessor: &Accessor<T, Self>,
        handle: SqliteHandle,
    ) -> wasmtime::Result<u64> {
        let connection = accessor.with(|mut access| access.get().find_connection(&handle))?;
        Ok(connection.changes())
    }
}

async fn run_statement(
    connection: &Connection,
    statement: String,
    parameters: Vec<Value>,
) -> Result<Rows, Error> {
    let parameters = parameters.into_iter().map(from_wit).collect();
    connection.execute(statement, parameters).await.map_err(to_wit_error)
}

fn to_wit_error(error: hedge_sqlite::Error) -> Error {
    match error {
        hedge_sqlite::Error::Full => Error::DatabaseFull,
        other => Error::Io(other.to_string()),
    }
}

fn to_wit_row(values: Vec<hedge_sqlite::Value>) -> RowResult {
    RowResult { values: values.into_iter().map(to_wit).collect() }
}

fn to_wit(value: hedge_sqlite::Value) -> Value {
    match value {
        hedge_sqlite::Value::Integer(number) => Value::Integer(number),
        hedge_sqlite::Value::Real(number) => Value::Real(number),
        hedge_sqlite::Value::Text(text) => Value::Text(text),
        hedge_sqlite::Value::Blob(bytes) => Value::Blob(bytes),
        hedge_sqlite::Value::Null => Value::Null,
    }
}

fn from_wit(value: Value) -> hedge_sqlite::Value {
    match value {
        Value::Integer(number) => hedge_sqlite::Value::Integer(number),
        Value::Real(number) => hedge_sqlite::Value::Real(number),
        Value::Text(text) => hedge_sqlite::Value::Text(text),
        Value::Blob(bytes) => hedge_sqlite::Value::Blob(bytes),
        Value::Null => hedge_sqlite::Value::Null,
    }
}
