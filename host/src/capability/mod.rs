//! What a manifest can grant: the Spin interfaces, one module each.
//!
//! The interfaces' shapes are in `host/wit`. Every call that names a resource by label or address
//! is checked against the component's grants here; what stands behind a label is the business of
//! the back ends (`hedge-sqlite`, `hedge-key-value`).

pub mod bindings;
mod handles;
mod key_value;
mod redis;
mod sqlite;
mod variables;

use anyhow::Result;
use wasmtime::component::{HasData, Linker};

use crate::runtime::instance::InstanceState;

/// Marks the host functions that work on an [`InstanceState`].
pub struct Capabilities;

impl HasData for Capabilities {
    type Data<'a> = &'a mut InstanceState;
}

/// Defines every capability in `linker`.
///
/// # Errors
/// When a name is defined already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<_, Capabilities>(linker, state_itself)?;
    bindings::spin::redis::redis::add_to_linker::<_, Capabilities>(linker, state_itself)?;
    bindings::spin::sqlite::sqlite::add_to_linker::<_, Capabilities>(linker, state_itself)?;
    bindings::spin::variables::variables::add_to_linker::<_, Capabilities>(linker, state_itself)?;
    Ok(())
}

fn state_itself(state: &mut InstanceState) -> &mut InstanceState {
    state
}
