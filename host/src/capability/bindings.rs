//! Generated from `host/wit`.
#![allow(missing_docs, reason = "generated; the WIT files have the documentation")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "capabilities",
    imports: { default: async | trappable },
    trappable_error_type: {
        "spin:key-value/key-value.error" => spin::key_value::key_value::Error,
        "spin:redis/redis.error" => spin::redis::redis::Error,
        "spin:sqlite/sqlite.error" => spin::sqlite::sqlite::Error,
        "spin:variables/variables.error" => spin::variables::variables::Error,
    },
    with: {
        "spin:key-value/key-value.store": super::handles::OpenStore,
        "spin:redis/redis.connection": super::handles::RedisConnection,
        "spin:sqlite/sqlite.connection": super::handles::SqliteConnection,
    },
});
