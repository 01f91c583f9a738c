//! Key-value stores for guests, on SQLite or Redis.
//!
//! A [`Store`] is what a guest opens by its label. Both back ends keep Spin's layout, so data can
//! be taken from one host to the other: on SQLite the table `spin_key_value`, on Redis the keys
//! as they are.

mod error;
mod limits;
mod redis;
mod sqlite;

use std::sync::Arc;

use hedge_sqlite::Database;

pub use error::Error;
pub use limits::{KEY_BYTES_MAX, KEYS_MAX, VALUE_BYTES_MAX};

use limits::{check_bytes, check_key};

/// One key-value store. Cloning is cheap, and clones are the same store.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Table>),
    Redis(Arc<redis::Server>),
}

impl Store {
    /// The store called `name` in an SQLite database, which can hold many. Writes are durable
    /// when they return. The table is made at first use.
    pub fn in_sqlite(database: &Database, name: &str) -> Self {
        Self { backend: Backend::Sqlite(Arc::new(sqlite::Table::new(database, name))) }
    }

    /// A store that is one database of a Redis server: `redis://host:port/database`.
    ///
    /// Connects at first use, and anew by itself after the server was away. Every operation ends
    /// within two seconds, with [`Error::Unavailable`] if the server does not answer.
    ///
    /// # Errors
    /// [`Error::Address`].
    pub fn on_redis(address: &str) -> Result<Self, Error> {
        Ok(Self { backend: Backend::Redis(Arc::new(redis::Server::new(address)?)) })
    }

    /// The value of a key, if there is one.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for the key or what is stored, [`Error::Unavailable`],
    /// [`Error::Backend`].
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(table) => table.get(key).await,
            Backend::Redis(server) => server.get(key).await,
        }
    }

    /// Sets the value of a key, whether it has one or not.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        check_key(key)?;
        check_bytes("the value", value.len(), VALUE_BYTES_MAX)?;
        match &self.backend {
            Backend::Sqlite(table) => table.set(key, value).await,
            Backend::Redis(server) => server.set(key, value).await,
        }
    }

    /// Removes a key; there need not be one.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(table) => table.delete(key).await,
            Backend::Redis(server) => server.delete(key).await,
        }
    }

    /// Whether a key has a value.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub async fn exists(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        match &self.backend {
            Backend::Sqlite(table) => table.exists(key).await,
            Backend::Redis(server) => server.exists(key).await,
        }
    }

    /// All keys, in no particular order.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if there are more than [`KEYS_MAX`], [`Error::Unavailable`],
    /// [`Error::Backend`].
    pub async fn get_keys(&self) -> Result<Vec<String>, Error> {
        match &self.backend {
            Backend::Sqlite(table) => table.get_keys().await,
            Backend::Redis(server) => server.get_keys().await,
        }
    }
}
