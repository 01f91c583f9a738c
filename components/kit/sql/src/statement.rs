use spin_sdk::sqlite::Value;
use spin_sdk::sqlite::wit::sqlite::Connection;

use crate::error::Error;
use crate::row::Row;

/// Runs one statement while the instance stands still.
pub fn run_statement(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
) -> Result<Vec<Row>, Error> {
    if has_several_statements(sql) {
        return Err(Error::SeveralStatements);
    }
    let result = connection.execute(sql, parameters)?;
    Ok(result.rows.into_iter().map(Row::new).collect())
}

/// Runs one statement while the instance goes on, and drops its rows.
pub async fn write_statement(
    connection: &Connection,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<(), Error> {
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
