//! Key-value stores for guests, on SQLite or Redis.
