//! `spin:redis`: any Redis server the component may connect to.
//!
//! Each open is a connection of its own, since `execute` can change a connection's state, and
//! comes back by itself after the server was away. Every operation has a deadline.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, ErrorKind, FromRedisValue, RedisError, Value};
use wasmtime::component::{Accessor, Resource};

use super::Capabilities;
use super::bindings::spin::redis::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult,
};
use super::handles::RedisConnection;
use crate::runtime::instance::InstanceState;

/// Connections an instance may hold at one time.
const CONNECTIONS_MAX: usize = 32;
/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a command may take.
const COMMAND_MAX: Duration = Duration::from_secs(5);

type RedisHandle = Resource<RedisConnection>;

impl Host for InstanceState {
    fn convert_error(&mut self, error: Error) -> wasmtime::Result<Error> {
        Ok(error)
    }
}

impl HostConnection for InstanceState {
    async fn drop(&mut self, handle: RedisHandle) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// Whether the component may connect to `address`; an address that cannot be read is refused.
fn may_connect(state: &InstanceState, address: &str) -> bool {
    let Ok(uri) = address.parse::<http::Uri>() else { return false };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
    let allowed = state.grants.hosts.allows_connection(scheme, host, uri.port_u16());
    if !allowed {
        let port = uri.port_u16().unwrap_or(6379);
        let id = &state.grants.id;
        tracing::warn!(
            "component {id} may not connect to {scheme}://{host}:{port}: add it to \
             allowed_outbound_hosts in [component.{id}] if it should"
        );
    }
    allowed
}

async fn open_connection(address: &str) -> Result<ConnectionManager, Error> {
    let client = redis::Client::open(address).map_err(|_| Error::InvalidAddress)?;
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT_MAX))
        .set_response_timeout(Some(COMMAND_MAX))
        .set_number_of_retries(1);
    let connecting = ConnectionManager::new_with_config(client, config);
    // The manager retries by itself: one deadline around all of its attempts.
    match tokio::time::timeout(CONNECT_MAX * 2, connecting).await {
        Ok(connected) => connected.map_err(to_wit_error),
        Err(_) => Err(Error::Other(format!("no connection within {CONNECT_MAX:?}"))),
    }
}

fn to_wit_error(error: RedisError) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedReturnType => Error::TypeError,
        _ if error.code() == Some("WRONGTYPE") => Error::TypeError,
        _ => Error::Other(error.to_string()),
    }
}

/// Runs one operation on the handle's connection.
async fn run_on<T, R>(
    accessor: &Accessor<T, Capabilities>,
    handle: RedisHandle,
    operation: impl AsyncFnOnce(&mut ConnectionManager) -> redis::RedisResult<R>,
) -> Result<R, Error> {
    let connection = accessor.with(|mut access| {
        let connected = access.get().table.get(&handle);
        connected.map(|connected| connected.connection.clone())
    });
    let mut connection = connection.map_err(|error| Error::Other(error.to_string()))?;
    match tokio::time::timeout(COMMAND_MAX, operation(&mut connection)).await {
        Ok(result) => result.map_err(to_wit_error),
        Err(_) => Err(Error::Other(format!("no answer within {COMMAND_MAX:?}"))),
    }
}

impl<T: Send> HostConnectionWithStore<T> for Capabilities {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Result<RedisHandle, Error> {
        // Taken before connecting: opens in parallel must not pass the limit together.
        let permit = accessor.with(|mut access| {
            let state = access.get();
            if !may_connect(state, &address) {
                return Err(Error::InvalidAddress);
            }
            // The first one is the instance's own.
            if Arc::strong_count(&state.connections.redis) > CONNECTIONS_MAX {
                return Err(Error::TooManyConnections);
            }
            Ok(Arc::clone(&state.connections.redis))
        })?;
        let connection = open_connection(&address).await?;
        accessor.with(|mut access| {
            let connected = RedisConnection { connection, _permit: permit };
            access.get().table.push(connected).map_err(|_| Error::TooManyConnections)
        })
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        channel: String,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        run_on(accessor, handle, async |redis| redis.publish(channel, payload).await).await
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        run_on(accessor, handle, async |redis| redis.get(key).await).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        run_on(accessor, handle, async |redis| redis.set(key, value).await).await
    }

    async fn incr(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
    ) -> Result<i64, Error> {
        run_on(accessor, handle, async |redis| redis.incr(key, 1).await).await
    }

    async fn del(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        keys: Vec<String>,
    ) -> Result<u32, Error> {
        run_on(accessor, handle, async |redis| redis.del(keys).await).await
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        run_on(accessor, handle, async |redis| redis.sadd(key, values).await).await
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
    ) -> Result<Vec<String>, Error> {
        run_on(accessor, handle, async |redis| redis.smembers(key).await).await
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        run_on(accessor, handle, async |redis| redis.srem(key, values).await).await
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        handle: RedisHandle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        let mut command = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => command.arg(number),
                RedisParameter::Binary(bytes) => command.arg(bytes),
            };
        }
        let reply = run_on(accessor, handle, async |redis| command.query_async(redis).await).await;
        let mut flat = Vec::new();
        flatten_reply(reply?, &mut flat)?;
        Ok(flat)
    }
}

/// Appends a reply, nested lists as one, as the interface has it.
fn flatten_reply(value: Value, flat: &mut Vec<RedisResult>) -> Result<(), Error> {
    match value {
        Value::Nil => flat.push(RedisResult::Nil),
        Value::Int(number) => flat.push(RedisResult::Int64(number)),
        Value::BulkString(bytes) => flat.push(RedisResult::Binary(bytes)),
        Value::SimpleString(text) => flat.push(RedisResult::Status(text)),
        Value::Okay => flat.push(RedisResult::Status("OK".to_owned())),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                flatten_reply(value, flat)?;
            }
        }
        other => {
            let bytes = Vec::<u8>::from_redis_value(other);
            let bytes = bytes.map_err(|error| {
                Error::Other(format!("a reply of a kind the interface has no room for: {error}"))
            })?;
            flat.push(RedisResult::Binary(bytes));
        }
    }
    Ok(())
}
