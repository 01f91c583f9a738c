//! A database of this schema in memory, for tests that run what the store makes.

use hedgeschool_sql::Value;
use rusqlite::types::Value as Column;
use rusqlite::{Connection, params_from_iter};

use crate::database::DATABASE;

/// A new database.
pub fn open_database() -> Connection {
    let database = Connection::open_in_memory().unwrap();
    for script in DATABASE.migrations {
        database.execute_batch(script).unwrap();
    }
    database
}

fn bind_columns(parameters: &[Value]) -> Vec<Column> {
    let bind = |value: &Value| match value {
        Value::Integer(number) => Column::Integer(*number),
        Value::Real(number) => Column::Real(*number),
        Value::Text(text) => Column::Text(text.clone()),
        Value::Blob(bytes) => Column::Blob(bytes.clone()),
        Value::Null => Column::Null,
    };
    parameters.iter().map(bind).collect()
}

/// Runs a statement for its effect. An error is the text that procedures speak through.
pub fn run_statement(database: &Connection, sql: &str, parameters: &[Value]) -> Result<(), String> {
    let done = database.execute(sql, params_from_iter(bind_columns(parameters)));
    done.map(drop).map_err(|error| error.to_string())
}

/// The rows of a query.
pub fn read_rows(database: &Connection, sql: &str, parameters: &[Value]) -> Vec<Vec<Column>> {
    let mut statement = database.prepare(sql).unwrap();
    let width = statement.column_count();
    let row = |row: &rusqlite::Row| (0..width).map(|column| row.get(column)).collect();
    let rows = statement.query_map(params_from_iter(bind_columns(parameters)), row).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
