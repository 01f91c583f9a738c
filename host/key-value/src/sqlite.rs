//! Stores in an SQLite file, in the table that Spin uses.

use hedge_sqlite::{Connection, Database, Rows, Value};
use tokio::sync::OnceCell;

use crate::error::Error;
use crate::limits::check_count;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (store TEXT NOT NULL, \
     key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) \
     ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
/// Keys are listed in pages, so that no single read is long.
const PAGE_KEYS: usize = 1000;

pub(crate) struct Table {
    connection: Connection,
    store: String,
    created: OnceCell<()>,
}

impl Table {
    pub(crate) fn new(database: &Database, store: &str) -> Self {
        Self { connection: database.connect(), store: store.to_owned(), created: OnceCell::new() }
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let sql = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
        match self
            .run_statement(sql, vec![self.store_value(), text_value(key)])
            .await
            .map(first_value)?
        {
            None => Ok(None),
            Some(Value::Blob(bytes)) => Ok(Some(bytes)),
            // Nothing that we write; but somebody may have, with the sqlite3 shell.
            Some(Value::Text(text)) => Ok(Some(text.into_bytes())),
            Some(_) => Err(Error::Backend(format!("the value of {key} is a number"))),
        }
    }

    pub(crate) async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.run_statement(SET, vec![self.store_value(), text_value(key), Value::Blob(value)])
            .await
            .map(drop)
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        let sql = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
        self.run_statement(sql, vec![self.store_value(), text_value(key)]).await.map(drop)
    }

    pub(crate) async fn exists(&self, key: &str) -> Result<bool, Error> {
        let sql = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
        Ok(self
            .run_statement(sql, vec![self.store_value(), text_value(key)])
            .await
            .map(first_value)?
            .is_some())
    }

    pub(crate) async fn get_keys(&self) -> Result<Vec<String>, Error> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let page = self.list_keys_after(keys.last()).await?;
            let is_last = page.len() < PAGE_KEYS;
            keys.extend(page);
            check_count(keys.len())?;
            if is_last {
                return Ok(keys);
            }
        }
    }

    async fn list_keys_after(&self, after: Option<&String>) -> Result<Vec<String>, Error> {
        let sql = format!(
            "SELECT key FROM spin_key_value WHERE store = ?1 AND (?2 IS NULL OR key > ?2) \
             ORDER BY key LIMIT {PAGE_KEYS}"
        );
        let after = after.map_or(Value::Null, |key| text_value(key));
        let rows = self.run_statement(&sql, vec![self.store_value(), after]).await?;
        let keys = rows.rows.into_iter().flatten();
        Ok(keys
            .filter_map(|key| if let Value::Text(key) = key { Some(key) } else { None })
            .collect())
    }

    async fn run_statement(&self, sql: &str, params: Vec<Value>) -> Result<Rows, Error> {
        self.created.get_or_try_init(|| self.create_table()).await?;
        self.connection.execute(sql.to_owned(), params).await.map_err(backend_error)
    }

    async fn create_table(&self) -> Result<(), Error> {
        self.connection.execute(CREATE.to_owned(), vec![]).await.map(drop).map_err(backend_error)
    }

    fn store_value(&self) -> Value {
        text_value(&self.store)
    }
}

fn text_value(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn first_value(rows: Rows) -> Option<Value> {
    rows.rows.into_iter().next()?.into_iter().next()
}

fn backend_error(error: hedge_sqlite::Error) -> Error {
    Error::Backend(error.to_string())
}
