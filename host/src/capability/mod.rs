//! What a manifest can grant: the Spin interfaces, one module each.
//!
//! The interfaces' shapes are in `host/wit`. Every call that names a resource by label or address
//! is checked against the component's grants here; what stands behind a label is the business of
//! the back ends (`hedge-sqlite`, `hedge-key-value`).

pub mod key_value;
pub mod redis;
pub mod sqlite;
mod variables;

use anyhow::Result;
use wasmtime::component::{HasData, Linker};

use crate::runtime::instance::InstanceState;

/// Generated from `host/wit`.
#[allow(missing_docs, reason = "generated; the WIT files have the documentation")]
pub mod bindings {
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
            "spin:key-value/key-value.store": super::key_value::Opened,
            "spin:redis/redis.connection": super::redis::Connected,
            "spin:sqlite/sqlite.connection": super::sqlite::Connected,
        },
    });
}

/// Marks the host functions that work on an [`InstanceState`].
pub struct Capabilities;

impl HasData for Capabilities {
    type Data<'a> = &'a mut InstanceState;
}

/// How many connections of each kind an instance holds.
#[derive(Debug, Default)]
pub struct Connections {
    sqlite: usize,
    key_value: usize,
    /// Counted by its clones.
    redis: std::sync::Arc<()>,
}

/// Defines every capability in `linker`.
///
/// # Errors
/// When a name is defined already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<_, Capabilities>(linker, itself)?;
    bindings::spin::redis::redis::add_to_linker::<_, Capabilities>(linker, itself)?;
    bindings::spin::sqlite::sqlite::add_to_linker::<_, Capabilities>(linker, itself)?;
    bindings::spin::variables::variables::add_to_linker::<_, Capabilities>(linker, itself)?;
    Ok(())
}

fn itself(state: &mut InstanceState) -> &mut InstanceState {
    state
}
