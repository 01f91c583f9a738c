//! Stores on a Redis server, under the keys' own names.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError, cmd};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::error::Error;
use crate::limits::{VALUE_BYTES_MAX, check_bytes, check_count};

/// How long one command may take, connecting included. A guest must not hang with its server.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(2);
/// How long connecting may take; less, so that its error is the one that gets reported.
const CONNECT_TIME_MAX: Duration = Duration::from_millis(1500);
/// Keys that SCAN looks at in one go.
const SCAN_KEYS: usize = 1000;

pub(crate) struct Server {
    client: Client,
    /// Made at first use, as it needs a running tokio.
    manager: OnceCell<ConnectionManager>,
}

impl Server {
    pub(crate) fn new(address: &str) -> Result<Self, Error> {
        let client = Client::open(address).map_err(|error| Error::Address(error.to_string()))?;
        Ok(Self { client, manager: OnceCell::new() })
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let value: Option<Vec<u8>> = self.send_command(cmd("GET").arg(key)).await?;
        check_bytes("the value", value.as_ref().map_or(0, Vec::len), VALUE_BYTES_MAX)?;
        Ok(value)
    }

    pub(crate) async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Error> {
        self.send_command(cmd("SET").arg(key).arg(value)).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Error> {
        self.send_command(cmd("DEL").arg(key)).await
    }

    pub(crate) async fn exists(&self, key: &str) -> Result<bool, Error> {
        self.send_command(cmd("EXISTS").arg(key)).await
    }

    /// Walks with SCAN: KEYS would stop the server for everybody.
    pub(crate) async fn get_keys(&self) -> Result<Vec<String>, Error> {
        let mut keys = Vec::new();
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            let page: (u64, Vec<Vec<u8>>) =
                self.send_command(scan.arg(cursor).arg("COUNT").arg(SCAN_KEYS)).await?;
            cursor = page.0;
            // A key that is no text was set by somebody else, and no guest could ask for it.
            keys.extend(page.1.into_iter().filter_map(|key| String::from_utf8(key).ok()));
            if cursor == 0 || check_count(keys.len()).is_err() {
                break;
            }
        }
        // SCAN may return a key twice.
        keys.sort_unstable();
        keys.dedup();
        check_count(keys.len())?;
        Ok(keys)
    }

    async fn send_command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        match timeout(COMMAND_TIME_MAX, self.send_twice(command)).await {
            Ok(result) => result.map_err(to_error),
            Err(_) => {
                let seconds = COMMAND_TIME_MAX.as_secs();
                Err(Error::Unavailable(format!("no answer within {seconds} s")))
            }
        }
    }

    /// A connection that has died is noticed only when it is used, and replaced only then: so the
    /// second attempt is the first on a new connection. Every command here may be sent twice.
    async fn send_twice<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        let mut manager = self.manager.get_or_try_init(|| self.new_manager()).await?.clone();
        match command.query_async(&mut manager).await {
            Err(error) if is_unavailable(&error) => command.query_async(&mut manager).await,
            result => result,
        }
    }

    async fn new_manager(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_TIME_MAX))
            .set_response_timeout(Some(COMMAND_TIME_MAX));
        ConnectionManager::new_lazy_with_config(self.client.clone(), config)
    }
}

fn is_unavailable(error: &RedisError) -> bool {
    error.is_io_error() || error.is_connection_dropped() || error.is_timeout()
}

fn to_error(error: RedisError) -> Error {
    match is_unavailable(&error) {
        true => Error::Unavailable(error.to_string()),
        false => Error::Backend(error.to_string()),
    }
}
