//! What an instance holds of what it has opened.

use std::sync::Arc;

use hedge_key_value::Store;
use hedge_sqlite::Connection;
use redis::aio::ConnectionManager;

/// An instance's handle on a key-value store.
pub struct OpenStore(pub(super) Store);

/// An instance's connection to a database.
#[derive(Clone)]
pub struct SqliteConnection {
    pub(super) label: Arc<str>,
    pub(super) connection: Arc<Connection>,
}

/// An instance's connection to a Redis server, and its permit among those the instance may hold.
pub struct RedisConnection {
    pub(super) connection: ConnectionManager,
    pub(super) _permit: ConnectionPermit,
}

/// A permit, given back when dropped: a guest that gives up on an open drops it halfway.
pub(super) type ConnectionPermit = Arc<()>;
